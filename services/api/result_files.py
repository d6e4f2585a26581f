"""What a fine-tuning job leaves, as files of the facade: the metrics of its steps, and its adapter."""

import csv
import io
from collections.abc import Mapping
from typing import Any

from flask import Response

from services.api.adapter_archive import AdapterArchive
from services.api.openai_shapes import FileObject
from services.api.service import Service
from shared.errors import NotFound
from shared.messages.message import say
from shared.schemas.records import JobRecord

PURPOSE = "fine-tune-results"
METRICS_ID, ADAPTER_ID = "file-metrics", "file-adapter"  # and the job's id without `ftjob-`
# OpenAI's five first. A job measures no accuracies of tokens, so those two are empty.
METRIC_COLUMNS = (
    "step", "train_loss", "train_accuracy", "valid_loss", "valid_mean_token_accuracy",
    "learning_rate", "grad_norm", "step_seconds", "tokens_per_second",
)  # fmt: skip
# A validation goes over all of its rows, so it is both of OpenAI's.
OPENAI_NAMES = {"validation_loss": ("valid_loss", "full_valid_loss")}


def result_file_ids(record: JobRecord) -> list[str]:
    """The ids under which a succeeded job's results are read, metrics first; no deleted adapter."""
    if record.status != "succeeded":
        return []
    part = record.id.removeprefix("ftjob-")
    if record.model_deleted_at is not None:
        return [f"{METRICS_ID}{part}"]
    return [f"{METRICS_ID}{part}", f"{ADAPTER_ID}{part}"]


def is_result_file(file_id: str) -> bool:
    """Uploaded files have shorter ids."""
    return file_id.startswith((METRICS_ID, ADAPTER_ID)) and len(file_id) > len("file-") + 24


def result_file(service: Service, file_id: str) -> FileObject:
    """Raises `NotFound`."""
    record = _job(service, file_id)
    if file_id.startswith(METRICS_ID):
        size_bytes, filename = len(metrics_csv(service, record.id)), "step_metrics.csv"
    else:
        archive = adapter_of(service, record)
        size_bytes, filename = archive.size_bytes, archive.filename
    return FileObject(
        id=file_id,
        bytes=size_bytes,
        created_at=int(record.finished_at or 0),
        filename=filename,
        purpose=PURPOSE,
    )


def result_content(service: Service, file_id: str) -> Response:
    """Raises `NotFound`."""
    record = _job(service, file_id)
    if file_id.startswith(ADAPTER_ID):
        return adapter_of(service, record).response()
    answer = Response(metrics_csv(service, record.id), content_type="text/csv; charset=utf-8")
    answer.headers["Content-Disposition"] = 'attachment; filename="step_metrics.csv"'
    return answer


def adapter_of(service: Service, record: JobRecord) -> AdapterArchive:
    """The adapter with the original repository's names. Raises `NotFound`."""
    folder = service.job_folder(record.id).adapter
    if not folder.is_dir():
        raise NotFound(say("adapter-files-gone", job=record.id))
    return AdapterArchive.of(folder, name=f"{record.id}-adapter", made_at=record.finished_at or 0)


def metrics_csv(service: Service, job_id: str) -> bytes:
    """One row a step, oldest first; of a step done again after a crash, the last."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, METRIC_COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(row for _, row in sorted(metrics_by_step(service, job_id).items()))
    return text.getvalue().encode()


def metrics_by_step(service: Service, job_id: str) -> dict[int, dict[str, float]]:
    """The numbers of every step."""
    rows: dict[int, dict[str, float]] = {}
    for event in service.events.newest_first(job_id):
        if event.type == "metrics" and isinstance(step := event.data.get("step"), int):
            numbers = {name: value for name, value in openai_names(event.data).items() if _is_number(value)}
            rows[step] = numbers | rows.get(step, {})  # events come newest first
    return rows


def openai_names(data: Mapping[str, Any]) -> dict[str, Any]:
    """A metrics event's numbers as OpenAI calls them; what it has no word for keeps ours."""
    return {theirs: value for name, value in data.items() for theirs in OPENAI_NAMES.get(name, (name,))}


def _job(service: Service, file_id: str) -> JobRecord:
    part = file_id.removeprefix(METRICS_ID if file_id.startswith(METRICS_ID) else ADAPTER_ID)
    try:
        record = service.store.get(f"ftjob-{part}")
    except NotFound:
        record = None
    if record is None or file_id not in result_file_ids(record):
        raise NotFound(say("no-such-file", file=file_id[:80]), param="file_id")
    return record


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
