"""The rows of a job to be: the file or data set that a request names, checked and copied into its folder."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from services.api.checked_rows import CheckedRows
from services.api.free_space import check_free_space
from services.api.service import Service
from services.api.uploads import StoredFile
from shared.datasets.names import resolve_dataset
from shared.datasets.overlap import overlap
from shared.datasets.prepare import prepare_dataset
from shared.datasets.source_files import source_bytes
from shared.errors import FieldError, InvalidDataset, InvalidField, NotFound
from shared.job_folder import JobFolder
from shared.messages.message import say
from shared.schemas.datasets import DatasetSummary
from shared.schemas.requests import (
    DatasetReportRequest,
    EvaluationRequest,
    FineTuningRequest,
    JobRequest,
    TrainingDiagnosticRequest,
)

# Reading a large data set takes a processor and memory; more at once than this only get in each other's way.
reading = threading.BoundedSemaphore(2)


def prepare_rows(service: Service, request: JobRequest, folder: JobFolder) -> Mapping[str, DatasetSummary]:
    """What was found in each of the request's data sets, by part: training, validation, evaluation. Raises
    refusals.
    """
    match request:
        case FineTuningRequest() | DatasetReportRequest():
            training = _prepare(service, request, "training_file", "dataset", folder.rows_of("training"))
            _check_loss_on(request, training)
            _check_long_text(request, training)
            if request.validation_file is None and request.validation_dataset is None:
                return {"training": training}
            same = request.model_copy(update={"format": training.format})
            path = folder.rows_of("validation")
            validation = _prepare(service, same, "validation_file", "validation_dataset", path)
            _check_labels(training, validation)
            if found := overlap(folder.rows_of("training"), path, validation):
                validation = validation.model_copy(update={"warnings": [found, *validation.warnings]})
            return {"training": training, "validation": validation}
        case TrainingDiagnosticRequest():
            training = _prepare(service, request, "training_file", "dataset", folder.rows_of("training"))
            _check_long_text(request, training)
            return {"training": training}
        case EvaluationRequest():
            return {"evaluation": _prepare(service, request, "file", "dataset", folder.rows_of("evaluation"))}
    return {}


def _prepare(
    service: Service,
    request: FineTuningRequest | EvaluationRequest | TrainingDiagnosticRequest | DatasetReportRequest,
    file_field: str,
    dataset_field: str,
    destination: Path,
) -> DatasetSummary:
    """Check and copy the rows that one of two fields names, so that the source may change or go."""
    file_id, dataset = getattr(request, file_field), getattr(request, dataset_field)
    field = file_field if file_id else dataset_field
    way: dict[str, Any] = {
        "format": request.format,
        "columns": {str(field): name for field, name in request.columns.items()},
        "file_name": None,
        "measured": file_field != "training_file",
    }
    source, checked = None, None
    try:
        if file_id:
            source, stored = uploaded(service, file_id, field)
            way["file_name"] = stored.filename
            checked = CheckedRows(source, stored.sha256, way)
        else:
            source = resolve_dataset(dataset, service.settings.datasets_dir, param=field)
        return _given(service, checked, destination) or _read(service, source, destination, checked, way)
    except InvalidDataset as refusal:
        refusal.param = refusal.param or field
        raise
    except FileNotFoundError as error:
        if source is not None and source.exists():
            raise
        raise InvalidField(say("rows-were-deleted", rows=file_id or dataset), param=field) from error


def _given(service: Service, checked: CheckedRows | None, destination: Path) -> DatasetSummary | None:
    """Rows that were read for an earlier job, where there are any."""
    _check_room(service, needed_bytes=0)
    return checked.give(destination) if checked else None


def _read(
    service: Service, source: Path, destination: Path, checked: CheckedRows | None, way: Mapping[str, Any]
) -> DatasetSummary:
    _check_room(service, needed_bytes=source_bytes(source))
    with reading:
        if given := _given(service, checked, destination):  # another submit has read them meanwhile
            return given
        summary = prepare_dataset(source, destination, **way)
        if checked:
            checked.keep(destination, summary)
    return summary


def _check_room(service: Service, *, needed_bytes: int) -> None:
    settings = service.settings
    check_free_space(settings.data_dir, needed_bytes=needed_bytes, reserve_bytes=settings.min_free_bytes)


def uploaded(service: Service, file_id: str, field: str) -> tuple[Path, StoredFile]:
    """Where an uploaded file lies and what is known of it. Raises InvalidField, with `field`, without one."""
    try:
        return service.files.content(file_id), service.files.get(file_id)
    except NotFound:
        raise InvalidField(say("upload-file-first", file=file_id), param=field) from None


def _check_loss_on(request: FineTuningRequest | DatasetReportRequest, training: DatasetSummary) -> None:
    if isinstance(request, DatasetReportRequest):
        loss_on, field = request.loss_on, "loss_on"
    else:
        loss_on, field = request.hyperparameters.loss_on, "hyperparameters.loss_on"
    if training.format == "text" and loss_on == "completion":
        raise InvalidField(say("no-completion-in-text"), param=field)


def _check_long_text(
    request: FineTuningRequest | TrainingDiagnosticRequest | DatasetReportRequest, training: DatasetSummary
) -> None:
    if training.format != "text" and request.long_text == "split":
        raise InvalidField(say("format-cannot-be-split", format=training.format), param="long_text")


def _check_labels(training: DatasetSummary, validation: DatasetSummary) -> None:
    """A label never trained on can't be predicted."""
    if unknown := sorted(set(validation.labels or ()) - set(training.labels or ())):
        raise InvalidDataset(
            say("validation-labels-unknown", count=len(unknown), labels=unknown[:10]),
            param="validation_file",
            errors=tuple(
                FieldError("validation_file", say("label-not-trained", label=label)) for label in unknown[:20]
            ),
        )
