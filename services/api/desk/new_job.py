"""A new training in three steps: its rows, its settings, and the plan that a dry run makes of them."""

from collections.abc import Callable, Mapping

from flask import Response, request

from services.api import file_routes
from services.api.desk.forms import led_to, sent_fields
from services.api.desk.rows_to_read import rows_to_read, source_of_key
from services.api.desk.settings_form import (
    ROWS,
    first_values,
    key_of_rows,
    request_of,
    rows_request_of,
    values_of,
    with_reading,
)
from services.api.desk.settings_page import first_model, settings_page
from services.api.desk.shell import desk_page
from services.api.desk.submitting import checked, submitted
from services.api.desk.troubles import troubles
from services.api.service import Service
from shared.errors import InvalidField, NotFound, Refusal, TooManyJobs
from shared.messages.message import say
from shared.schemas.requests import FineTuningRequest, JobRequest

FIRST_STEP = "/new"


def get_rows(service: Service) -> Response:
    """The first step: upload a file, or choose rows that are here."""
    return _rows_page(service)


def post_file(service: Service) -> Response:
    """Take an uploaded file in, and go on with it."""
    try:
        file = file_routes.upload_file(service)
    except Refusal as refusal:
        if refusal.status >= 500:
            raise
        return _rows_page(service, refusal)
    return led_to(f"/new/settings?rows=training_file:{file.id}")


def delete_file(service: Service, file_id: str) -> Response:
    """Delete an uploaded file; jobs keep their own copy of its rows."""
    file_routes.delete_file(service, file_id=file_id)
    return led_to(FIRST_STEP)


def get_settings(service: Service) -> Response:
    """The second step. `rows` names the rows; `from` a job whose settings stand in the form."""
    if job_id := request.args.get("from"):
        asked = service.store.get(job_id).request
        values, key = values_of(asked), key_of_rows(asked)
    else:
        values, key = first_values(first_model(service)), request.args.get(ROWS, "")
    if source_of_key(key) is None:
        return led_to(FIRST_STEP)
    return settings_page(service, {**values, ROWS: key})


def post_check(service: Service) -> Response:
    """The second step again, with all rows read as the form says, or as its button does."""
    fields = sent_fields()
    if source_of_key(fields.get(ROWS, "")) is None:
        return led_to(FIRST_STEP)
    if (reading := fields.pop("reading", None)) is not None:
        fields = with_reading(fields, reading)
    return settings_page(service, fields, whole=True)


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
        return settings_page(service, fields, refusal)


def start(service: Service, job_id: str) -> Response:
    """Train what a dry run planned."""
    fields, planned = sent_fields(), service.store.get(job_id)
    if not planned.request.get("dry_run"):
        raise InvalidField(say("job-is-no-plan", job=job_id))
    wanted = checked(FineTuningRequest, {**planned.request, "dry_run": False, "after": []})
    return submitted(service, wanted, fields.get("once", ""))


def _rows_page(service: Service, wrong: Refusal | None = None) -> Response:
    return desk_page(
        "desk_new_rows.html",
        status=wrong.status if wrong else 200,
        sources=rows_to_read(service),
        troubles=troubles(service),
        wrong=wrong,
        limit_bytes=service.settings.max_upload_bytes,
    )
