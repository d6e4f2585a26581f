"""Jobs about one model that a button begins: its evaluation, the diagnosis of its load, its 4-bit copy."""

from contextlib import suppress
from typing import Any

from flask import Response

from services.api.base_models import fine_tuned_name
from services.api.desk.forms import sent_fields
from services.api.desk.rows_to_read import source_of_key
from services.api.desk.settings_form import ROWS
from services.api.desk.submitting import checked, submitted
from services.api.service import Service
from shared.errors import InvalidField
from shared.messages.message import say
from shared.schemas.records import JobRecord
from shared.schemas.requests import EvaluationRequest, LoadDiagnosticRequest, ModelPreparationRequest


def evaluate(service: Service, job_id: str) -> Response:
    """Evaluate the model that a job made on other rows, read as its own were if they can be."""
    fields, record = sent_fields(), service.store.get(job_id)
    source = source_of_key(fields.get(ROWS, ""))
    if source is None:
        raise InvalidField(say("choose-rows-to-evaluate"), param=ROWS)
    adapter = fine_tuned_name(record)
    if adapter is None:
        raise InvalidField(say("job-makes-no-adapter", job=job_id, kind=record.kind))
    values = {"adapter": adapter, "file" if source[0] == "training_file" else "dataset": source[1]}
    if reading := _own_reading(record):
        with suppress(InvalidField):  # these rows have the usual names, or a fault that is told below
            return submitted(service, checked(EvaluationRequest, values | reading), "")
    return submitted(service, checked(EvaluationRequest, values), "")


def _own_reading(record: JobRecord) -> dict[str, Any]:
    """`format` and `columns` of a training, where it was told them."""
    given = {name: record.request.get(name) for name in ("format", "columns")}
    return {name: value for name, value in given.items() if value and value != "auto"}


def diagnose(service: Service) -> Response:
    fields = sent_fields()
    return submitted(service, checked(LoadDiagnosticRequest, {"model": fields.get("model")}), "")


def prepare(service: Service) -> Response:
    fields = sent_fields()
    return submitted(service, checked(ModelPreparationRequest, {"model": fields.get("model")}), "")
