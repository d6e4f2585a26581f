"""What a job works with: its base model, its rows, the adapter that it holds."""

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from services.worker import metrics
from services.worker.failures import FailureCode, JobFailed
from services.worker.models.families.fit import longest_row, require_fit
from services.worker.models.families.look import look
from services.worker.models.hub.model_places import ModelPlaces
from services.worker.models.hub.resolve import resolve_model
from services.worker.models.load import LoadedModel
from services.worker.models.residency import DTYPE, Residency
from services.worker.running_job import RunningJob
from services.worker.text.dataset_file import DatasetFile
from services.worker.text.token_report import Reader
from shared.adapters import adapter_folder as find_adapter
from shared.adapters import held_adapter
from shared.job_folder import JobFolder
from shared.messages.message import say
from shared.model_names import fine_tuned_model
from shared.schemas.datasets import DatasetSummary
from shared.schemas.requests import (
    DatasetReportRequest,
    EvaluationRequest,
    FineTuningRequest,
    TrainingDiagnosticRequest,
)
from shared.settings import Settings


def base_model(
    request: FineTuningRequest | EvaluationRequest | TrainingDiagnosticRequest,
    datasets: Sequence[DatasetFile],
    settings: Settings,
    residency: Residency,
    job: RunningJob,
) -> LoadedModel:
    """The base model, in memory; that it can render the rows is seen before it is loaded."""
    started = time.perf_counter()
    job.progress("resolving")
    files = resolve_model(
        request.model or settings.default_model,
        request.revision,
        ModelPlaces.of(settings),
        job=job,
    )
    for_chat = any(data.summary.format in ("chat", "classification") for data in datasets)
    base, was_resident = residency.base(files, job, for_chat=for_chat)
    if was_resident:
        metrics.record_no_load(time.perf_counter() - started)
        job.event(say("base-model-resident", model=files.name))
    else:
        metrics.record_load(
            source="artifact" if base.from_artifact else files.source,
            phase_seconds=base.phase_seconds,
            weight_bytes=base.weight_bytes,
        )
        metrics.record_resident(files.name)
        job.event(
            say("base-model-loaded", model=files.name, load_seconds=sum(base.phase_seconds.values())),
            data={"phase_seconds": dict(base.phase_seconds), "weight_bytes": base.weight_bytes},
        )
    return base


def rows_reader(
    request: DatasetReportRequest, datasets: Sequence[DatasetFile], settings: Settings, job: RunningJob
) -> Reader:
    """The tokenizer of the model that the request names; of its weights only the headers are read."""
    job.progress("resolving")
    name = request.model or settings.default_model
    files = resolve_model(name, request.revision, ModelPlaces.of(settings), job=job)
    seen = look(files.folder, quantization="nf4", dtype=DTYPE)
    for_chat = any(data.summary.format in ("chat", "classification") for data in datasets)
    require_fit(seen.tokenizer, seen.abilities, job, for_chat=for_chat)
    return Reader(files.name, seen.tokenizer, longest_row(request.max_seq_length, seen.abilities, job))


def datasets_of(folder: JobFolder) -> Mapping[str, DatasetFile]:
    """The rows the API prepared and what it found in them, by part: training, validation, evaluation."""
    summaries = json.loads(folder.spec.read_text())["datasets"]
    return {
        part: DatasetFile(folder.rows_of(part), DatasetSummary.model_validate(summary))
        for part, summary in summaries.items()
    }


def adapter_of(adapter: str | None, folder: JobFolder, settings: Settings) -> Path | None:
    """The adapter that the job of `folder` took hold of when it was accepted."""
    if adapter is None:
        return None
    if held := held_adapter(folder):
        return held
    model = fine_tuned_model(adapter)  # a job from before jobs took hold of adapters
    if model and (lying := find_adapter(JobFolder.of(settings.data_dir, model.job_id), model.step)):
        return lying
    raise JobFailed(
        FailureCode.ADAPTER_INVALID,
        say("adapter-gone", adapter=adapter),
        say("train-again-or-restore"),
    )
