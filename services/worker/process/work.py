"""What each kind of job does: from a claim to the record's result."""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from services.worker import metrics
from services.worker.diagnosis.diagnose import diagnose
from services.worker.evaluation.evaluate import evaluate
from services.worker.explaining.books import TrainingBooks
from services.worker.explaining.diagnosis import explain_training
from services.worker.explaining.ended import how_it_ended, report_without_steps
from services.worker.failures import Failure, FailureCode, JobFailed
from services.worker.models.families.model_errors import model_errors_explained
from services.worker.models.hub.cache_folder import apply_cache_folder
from services.worker.models.hub.model_places import ModelPlaces
from services.worker.models.hub.resolve import resolve_model
from services.worker.models.hub.untried_move import take_back_untried_move
from services.worker.models.load import LoadedModel
from services.worker.models.residency import Residency
from services.worker.phase_clock import PhaseClock
from services.worker.preparing.prepare import prepare
from services.worker.process.failure_of import failure_of
from services.worker.report import JobCancelled, JobStopped, Report
from services.worker.text.dataset_file import DatasetFile
from services.worker.training.done_step import DoneStep
from services.worker.training.fine_tuning import fine_tune
from shared.adapters import adapter_folder as find_adapter
from shared.adapters import held_adapter
from shared.durable import write_json_durably
from shared.job_folder import JobFolder
from shared.job_records import Claim
from shared.messages.message import say
from shared.model_names import fine_tuned_model, fine_tuned_model_id
from shared.reports.load import LoadReport
from shared.reports.load_facts import LoadFacts, TrialLoad
from shared.reports.stored import read_stored
from shared.reports.training_facts import Prediction
from shared.schemas.datasets import DatasetSummary
from shared.schemas.requests import (
    EvaluationRequest,
    FineTuningRequest,
    LoadDiagnosticRequest,
    ModelPreparationRequest,
    TrainingDiagnosticRequest,
)
from shared.settings import Settings
from shared.training_settings.outcome import ReadSettings

Result = dict[str, Any]


def do(claim: Claim, settings: Settings, residency: Residency, report: Report) -> Result:
    """Do the work of one claimed job and return its record's result. Raises JobFailed and JobStopped."""
    work: dict[str, Callable[..., Result]] = {
        "fine_tuning": _fine_tune,
        "evaluation": _evaluate,
        "load_diagnostic": _diagnose,
        "training_diagnostic": _explain,
        "model_preparation": _prepare,
    }
    take_back_untried_move(claim.job_id, settings, report)
    apply_cache_folder(settings)  # the storage it was moved to may be back, or gone
    try:
        return work[claim.kind](claim, settings, residency, report)
    except (PermissionError, FileNotFoundError) as error:
        raise _unreadable(error, settings, claim.job_id) from error


@contextmanager
def _told_how_it_ended(
    tell: Callable[[Failure | None], None], settings: Settings, job_id: str
) -> Iterator[None]:
    """`tell` hears of a failure within, and, by None, of a cancel; not of an attempt that is followed by
    another one.
    """
    try:
        yield
    except JobCancelled:
        tell(None)
        raise
    except JobStopped:
        raise
    except Exception as error:
        if isinstance(error, PermissionError | FileNotFoundError):
            tell(failure_of(_unreadable(error, settings, job_id)))
        else:
            tell(failure_of(error))
        raise


def _unreadable(error: OSError, settings: Settings, job_id: str) -> Exception:
    """A file that may not be read, or vanished, is a failure: the user's, or what this job is to do. Another
    of ours is a fault.
    """
    path = Path(str(error.filename)) if error.filename is not None else None
    folder = JobFolder.of(settings.data_dir, job_id)
    if path is not None and (path == folder.spec or path.is_relative_to(folder.rows)):
        lost = say("job-file-lost", name=str(path.relative_to(folder.path)), error=error.strerror or "")
        return JobFailed(FailureCode.JOB_FILES_LOST, lost, say("restore-or-submit-again"))
    if path is None or path.is_relative_to(settings.data_dir):
        return error
    if isinstance(error, FileNotFoundError):
        return JobFailed(
            FailureCode.MODEL_UNREADABLE,
            say("file-vanished", path=path),
            say("let-writer-finish"),
        )
    return JobFailed(
        FailureCode.MODEL_UNREADABLE,
        say("file-not-readable", path=path, user=str(os.geteuid())),
        say("let-everybody-read", folder=path.parent),
    )


def _fine_tune(claim: Claim, settings: Settings, residency: Residency, report: Report) -> Result:
    folder = JobFolder.of(settings.data_dir, claim.job_id)
    books = TrainingBooks(claim.attempt, folder, report)
    request = FineTuningRequest.model_validate(claim.request)
    if request.dry_run:
        return _train(claim, request, books, settings, residency, report)

    def ended(failure: Failure | None) -> None:
        books.ended(failure, request.model or settings.default_model, residency.device)

    with _told_how_it_ended(ended, settings, claim.job_id):
        result = _train(claim, request, books, settings, residency, report)
    _observe_predictions(result)
    return result


def _train(
    claim: Claim,
    request: FineTuningRequest,
    books: TrainingBooks,
    settings: Settings,
    residency: Residency,
    report: Report,
) -> Result:
    folder = JobFolder.of(settings.data_dir, claim.job_id)
    books.stages.turn("data_load")
    datasets = _datasets(folder)
    if not request.dry_run:
        metrics.record_training_start()
    books.stages.turn("model_load")
    books.base = base = _base(request, list(datasets.values()), settings, residency, report)

    def observe(step: DoneStep) -> None:
        books.look()
        _observe_step(step)

    with model_errors_explained(base.files.name):
        result = fine_tune(
            base,
            request,
            training=datasets["training"],
            validation=datasets.get("validation"),
            job_folder=folder,
            start=_adapter_folder(request.adapter, folder, settings),
            attempt=claim.attempt,
            checkpoint_seconds=settings.checkpoint_seconds,
            report=report,
            observe=observe,
            now=datetime.fromtimestamp(claim.created_at, UTC),
            bookkeeper=books,
        )
    if request.dry_run:
        return result
    name = fine_tuned_model_id(base.files.name, request.suffix, claim.job_id)
    return {"fine_tuned_model": name, **result}


def _observe_predictions(result: Result) -> None:
    """Those of before the first step."""
    for stored in result.get("predictions") or ():
        prediction = read_stored(Prediction, stored)
        if prediction.measured is not None and prediction.when == "start":
            metrics.record_prediction(prediction.quantity, prediction.predicted, prediction.measured)


def _evaluate(claim: Claim, settings: Settings, residency: Residency, report: Report) -> Result:
    request = EvaluationRequest.model_validate(claim.request)
    folder = JobFolder.of(settings.data_dir, claim.job_id)
    data = _datasets(folder)["evaluation"]
    base = _base(request, [data], settings, residency, report)
    with model_errors_explained(base.files.name):
        return evaluate(
            base,
            data=data,
            adapter_folder=_adapter_folder(request.adapter, folder, settings),
            instruction=request.instruction,
            labels=data.summary.labels,
            max_seq_length=request.max_seq_length,
            report=report,
            now=datetime.fromtimestamp(claim.created_at, UTC),
        )


def _diagnose(claim: Claim, settings: Settings, residency: Residency, report: Report) -> Result:
    request = LoadDiagnosticRequest.model_validate(claim.request)
    diagnosis = diagnose(request, settings=settings, residency=residency, report=report)
    _keep_report(claim, diagnosis, settings)
    return diagnosis.result()


def _explain(claim: Claim, settings: Settings, residency: Residency, report: Report) -> Result:
    request = TrainingDiagnosticRequest.model_validate(claim.request)
    folder = JobFolder.of(settings.data_dir, claim.job_id)
    data, stages = _datasets(folder)["training"], PhaseClock(first="model_load")
    told = ReadSettings.model_validate(json.loads(folder.spec.read_text())["settings"])

    def ended(failure: Failure | None) -> None:
        without = report_without_steps(
            "training_diagnostic",
            request.model or settings.default_model,
            residency.device,
            how_it_ended(failure),
            stages.take(),
            settings=told.settings.model_dump(mode="json"),
        )
        write_json_durably(folder.report, without.model_dump(mode="json"))

    with _told_how_it_ended(ended, settings, claim.job_id):
        base = _base(request, [data], settings, residency, report)
        with model_errors_explained(base.files.name):
            explained = explain_training(
                base,
                request,
                data,
                told=told,
                stages=stages,
                now=datetime.fromtimestamp(claim.created_at, UTC),
                report=report,
            )
    write_json_durably(folder.report, explained.model_dump(mode="json"))
    return explained.result()


def _prepare(claim: Claim, settings: Settings, residency: Residency, report: Report) -> Result:
    request = ModelPreparationRequest.model_validate(claim.request)
    preparation, _ = prepare(
        request,
        settings=settings,
        residency=residency,
        report=report,
        job_id=claim.job_id,
        keep_report=lambda diagnosis: _keep_report(claim, diagnosis, settings),
    )
    return preparation.model_dump(mode="json")


def _keep_report(claim: Claim, diagnosis: LoadReport, settings: Settings) -> None:
    path = JobFolder.of(settings.data_dir, claim.job_id).report
    write_json_durably(path, diagnosis.model_dump(mode="json"))
    _observe_diagnosis(diagnosis.facts)
    for remedy in diagnosis.applied:
        if remedy.predicted_seconds is not None and remedy.measured_seconds is not None:
            metrics.record_prediction("load_seconds", remedy.predicted_seconds, remedy.measured_seconds)


def _observe_diagnosis(facts: LoadFacts) -> None:
    loads: list[tuple[str, TrialLoad, bool]] = [
        (facts.checkpoint.source, run, run.cold_wanted) for run in facts.checkpoint_runs[:1]
    ]
    loads += [("artifact", run, True) for run in facts.prepared[:1]]  # cold, else made warm
    for source, run, staged in loads:
        metrics.record_load(
            source=source, phase_seconds=run.phase_seconds, weight_bytes=run.weight_bytes, staged=staged
        )
    if facts.limit_bytes_per_second is not None:
        metrics.record_read_rate(facts.storage_name, facts.limit_bytes_per_second)
    for target in facts.targets:
        if target.limit_bytes_per_second is not None:
            metrics.record_read_rate(target.name, target.limit_bytes_per_second)


def _base(
    request: FineTuningRequest | EvaluationRequest | TrainingDiagnosticRequest,
    datasets: Sequence[DatasetFile],
    settings: Settings,
    residency: Residency,
    report: Report,
) -> LoadedModel:
    """The base model, in memory; that it can render the rows is seen before it is loaded."""
    started = time.perf_counter()
    report.progress("resolving")
    files = resolve_model(
        request.model or settings.default_model,
        request.revision,
        ModelPlaces.of(settings),
        report=report,
    )
    for_chat = any(data.summary.format in ("chat", "classification") for data in datasets)
    base, was_resident = residency.base(files, report, for_chat=for_chat)
    if was_resident:
        metrics.record_no_load(time.perf_counter() - started)
        report.event(say("base-model-resident", model=files.name))
    else:
        metrics.record_load(
            source="artifact" if base.from_artifact else files.source,
            phase_seconds=base.phase_seconds,
            weight_bytes=base.weight_bytes,
        )
        metrics.record_resident(files.name)
        report.event(
            say("base-model-loaded", model=files.name, load_seconds=sum(base.phase_seconds.values())),
            data={"phase_seconds": dict(base.phase_seconds), "weight_bytes": base.weight_bytes},
        )
    return base


def _datasets(folder: JobFolder) -> Mapping[str, DatasetFile]:
    """The rows the API prepared and what it found in them, by part: training, validation, evaluation."""
    summaries = json.loads(folder.spec.read_text())["datasets"]
    return {
        part: DatasetFile(folder.rows_of(part), DatasetSummary.model_validate(summary))
        for part, summary in summaries.items()
    }


def _adapter_folder(adapter: str | None, folder: JobFolder, settings: Settings) -> Path | None:
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


def _observe_step(step: DoneStep) -> None:
    metrics.record_step(
        step=step.step,
        total_steps=step.total_steps,
        loss=step.train_loss,
        grad_norm=step.grad_norm,
        learning_rate=step.learning_rate,
        step_seconds=step.step_seconds,
        eta_seconds=step.eta_seconds,
        real_tokens=step.real_tokens,
        computed_tokens=step.computed_tokens,
        phase_seconds=step.phase_seconds,
        between_seconds=step.between_seconds,
        utilization=step.utilization,
    )
