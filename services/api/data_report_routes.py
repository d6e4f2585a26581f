"""The report of a data set: answered at once; with a model, a job shows its rows as the model reads them."""

import json
from pathlib import Path
from typing import Any

from flask import Response
from pydantic import Field, model_validator

from services.api.base_models import resolve_models
from services.api.free_space import disk_full_refused
from services.api.job_rows import reading, uploaded
from services.api.kept_report import KeptReport
from services.api.service import Service
from services.api.submit import submit_job
from services.api.tries import this_try
from shared.datasets.examination.examine import DataFile, examine
from shared.datasets.names import resolve_dataset
from shared.errors import InvalidField, WrongField
from shared.messages.document import in_sentences
from shared.messages.message import say, stored
from shared.reports.data import DataReport
from shared.schemas.fields import Name
from shared.schemas.records import AcceptedJob
from shared.schemas.requests import NEED_MODEL, DatasetReportRequest, ReportedRows


class DataReportRequest(ReportedRows):
    model: Name | None = Field(None, description=stored(say("field-report-model-row")))

    @model_validator(mode="after")
    def _of_tokens_only_with_a_model(self) -> "DataReportRequest":
        given = [name for name in NEED_MODEL if name in self.model_fields_set]
        if self.model is None and given:
            raise WrongField(say("field-needs-model", field=given[0]), given[0])
        return self


class AnsweredDataReport(DataReport):
    """The report, and the job that shows its rows as tokens, where a model was named."""

    job: AcceptedJob | None = None


def report_dataset(service: Service, *, body: DataReportRequest) -> Response:
    """Examine a data set; where it can be used and a model is named, queue a job that shows its tokens."""
    wanted = None
    if body.model is not None:
        wanted = DatasetReportRequest.model_validate({"kind": "dataset_report", **dict(body)})
        resolve_models(service, wanted)  # a wrong name is told before the files are read
    report = data_report(service, body)
    accepted = None
    if wanted is not None and report.usable:
        accepted = submit_job(service, wanted, this_try("datasets/reports"))
    answer = in_sentences(report.model_dump(mode="json"))
    answer["job"] = accepted.job.model_dump(mode="json") if accepted else None
    response = Response(json.dumps(answer, ensure_ascii=False), content_type="application/json")
    if accepted and not accepted.submission.created:
        response.headers["Idempotent-Replayed"] = "true"
    return response


def data_report(service: Service, body: DataReportRequest) -> DataReport:
    """Read, or as it was kept for a file that was uploaded."""
    training, its_hash = _file(service, body, "training_file", "dataset")
    validation: DataFile | None = None
    other_hash: str | None = None
    if body.validation_file is not None or body.validation_dataset is not None:
        validation, other_hash = _file(service, body, "validation_file", "validation_dataset")
    columns = {str(field): name for field, name in body.columns.items()}
    kept: KeptReport | None = None
    if its_hash and (validation is None or other_hash):
        names = [file.name for file in (training, validation) if file]
        kept = KeptReport(training.path, [its_hash, other_hash, names, body.format, columns])
        if report := kept.give():
            return report
    with reading, disk_full_refused():
        report = _examined(body, training, validation, columns)
    if kept:
        kept.keep(report)
    return report


def _file(
    service: Service, body: DataReportRequest, file_field: str, dataset_field: str
) -> tuple[DataFile, str | None]:
    """The file that one of two fields names, and the hash of one that was uploaded."""
    file_id: str | None = getattr(body, file_field)
    if file_id is not None:
        content, stored_file = uploaded(service, file_id, file_field)
        return DataFile(content, stored_file.filename), stored_file.sha256
    name: str = getattr(body, dataset_field)
    path: Path = resolve_dataset(name, service.settings.datasets_dir, param=dataset_field)
    return DataFile(path, name), None


def _examined(
    body: DataReportRequest, training: DataFile, validation: DataFile | None, columns: dict[str, Any]
) -> DataReport:
    try:
        return examine(training, validation, format=body.format, columns=columns)
    except FileNotFoundError as error:
        rows = body.training_file or body.dataset
        raise InvalidField(say("rows-were-deleted", rows=rows)) from error
