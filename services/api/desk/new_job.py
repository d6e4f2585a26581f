"""A new training in three steps: its rows, its settings, and the plan that a dry run makes of them."""

import secrets
from collections.abc import Callable, Mapping

from flask import Response, request

from services.api.base_models import fine_tuned_name
from services.api.desk.disk_models import models_on_disk
from services.api.desk.first_lines import first_lines
from services.api.desk.forms import led_to, sent_fields
from services.api.desk.rows_report import rows_report
from services.api.desk.rows_to_read import name_of, rows_to_read, source_of_key
from services.api.desk.settings_form import (
    FIELDS,
    MAIN,
    MORE,
    ROWS,
    VALIDATION,
    first_values,
    key_of_rows,
    request_of,
    rows_request_of,
    values_of,
)
from services.api.desk.shell import desk_page
from services.api.desk.submitting import checked, submitted
from services.api.file_routes import upload_file
from services.api.service import Service
from shared.errors import InvalidField, NotFound, Refusal, TooManyJobs
from shared.messages.message import say
from shared.schemas.requests import (
    EvaluationRequest,
    FineTuningRequest,
    JobRequest,
    LoadDiagnosticRequest,
    ModelPreparationRequest,
)

FIRST_STEP = "/new"


def get_rows(service: Service) -> Response:
    """The first step: upload a file, or choose rows that are here."""
    return _rows_page(service)


def post_file(service: Service) -> Response:
    """Take an uploaded file in, and go on with it."""
    try:
        file = upload_file(service)
    except Refusal as refusal:
        if refusal.status >= 500:
            raise
        return _rows_page(service, refusal)
    return led_to(f"/new/settings?rows=training_file:{file.id}")


def get_settings(service: Service) -> Response:
    """The second step. `rows` names the rows; `from` a job whose settings stand in the form."""
    values = first_values(service.settings.default_model)
    key = request.args.get(ROWS, "")
    if job_id := request.args.get("from"):
        asked = service.store.get(job_id).request
        values, key = values_of(asked), key_of_rows(asked)
    if source_of_key(key) is None:
        return led_to(FIRST_STEP)
    return _settings_page(service, {**values, ROWS: key})


def post_plan(service: Service) -> Response:
    """Submit the dry run; its page is the third step."""
    return _asked(service, request_of)


def post_rows(service: Service) -> Response:
    """Submit the report on the rows as the model reads them."""
    return _asked(service, rows_request_of)


def _asked(service: Service, asked_of: Callable[[Mapping[str, str], str], JobRequest]) -> Response:
    """Submit what the form of the second step asks for, or show it again with what is wrong."""
    fields = sent_fields()
    if source_of_key(fields.get(ROWS, "")) is None:
        return led_to(FIRST_STEP)
    try:
        wanted = asked_of(fields, service.settings.default_model)
        return submitted(service, wanted, fields.get("once", ""))
    except (InvalidField, TooManyJobs, NotFound) as refusal:
        return _settings_page(service, fields, refusal)


def start(service: Service, job_id: str) -> Response:
    """Train what a dry run planned."""
    fields, planned = sent_fields(), service.store.get(job_id)
    if not planned.request.get("dry_run"):
        raise InvalidField(say("job-is-no-plan", job=job_id))
    wanted = checked(FineTuningRequest, {**planned.request, "dry_run": False, "after": []})
    return submitted(service, wanted, fields.get("once", ""))


def evaluate(service: Service, job_id: str) -> Response:
    """Evaluate the model that a job made on other rows."""
    fields, record = sent_fields(), service.store.get(job_id)
    source = source_of_key(fields.get(ROWS, ""))
    if source is None:
        raise InvalidField(say("choose-rows-to-evaluate"), param=ROWS)
    adapter = fine_tuned_name(record)
    if adapter is None:
        raise InvalidField(say("job-makes-no-adapter", job=job_id, kind=record.kind))
    values = {"adapter": adapter, "file" if source[0] == "training_file" else "dataset": source[1]}
    return submitted(service, checked(EvaluationRequest, values), "")


def diagnose(service: Service) -> Response:
    fields = sent_fields()
    return submitted(service, checked(LoadDiagnosticRequest, {"model": fields.get("model")}), "")


def prepare(service: Service) -> Response:
    fields = sent_fields()
    return submitted(service, checked(ModelPreparationRequest, {"model": fields.get("model")}), "")


def _rows_page(service: Service, wrong: Refusal | None = None) -> Response:
    return desk_page(
        "desk_new_rows.html",
        status=wrong.status if wrong else 200,
        sources=rows_to_read(service),
        wrong=wrong,
        limit_bytes=service.settings.max_upload_bytes,
    )


def _settings_page(service: Service, values: Mapping[str, str], wrong: Refusal | None = None) -> Response:
    source = source_of_key(values[ROWS])
    assert source is not None
    known = {field.name for field in FIELDS}
    errors = {error.path: error.message for error in wrong.errors} if wrong else {}
    if wrong and wrong.param in known:
        errors.setdefault(str(wrong.param), wrong.message)
    return desk_page(
        "desk_new_settings.html",
        status=wrong.status if wrong else 200,
        rows_name=name_of(service, *source),
        lines=first_lines(service, *source),
        rows_report=rows_report(service, *source, whole=request.args.get("check") == "all"),
        sources=[one for one in rows_to_read(service) if one.key != values[ROWS]],
        main=MAIN,
        more=MORE,
        values=values,
        validation=VALIDATION,
        wrong=wrong,
        errors=errors,
        other_errors=[(path, text) for path, text in errors.items() if path not in known][:20],
        more_is_open=any(field.name in errors for field in MORE),
        models=[model.name for model in models_on_disk(service)],
        once=secrets.token_urlsafe(12),
    )
