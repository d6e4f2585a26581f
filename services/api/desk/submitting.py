"""A form of the desk becomes a job, by the way that every request goes."""

from typing import Any, TypeVar

from flask import Response
from pydantic import BaseModel, ValidationError

from services.api.desk.forms import led_to
from services.api.desk.orders import job_path
from services.api.service import Service
from services.api.submit import submit_job
from services.api.tries import Try
from shared.field_errors import invalid_field
from shared.job_store import request_fingerprint
from shared.schemas.requests import JobRequest

Request = TypeVar("Request", bound=BaseModel)


def submitted(service: Service, request: JobRequest, once: str) -> Response:
    """Leads to the new job. A form that is sent twice, with the same `once` and the same values, makes one.

    Raises refusals.
    """
    fingerprint = request_fingerprint({"page": once, "body": request.model_dump(mode="json")})
    key = f"page-{fingerprint[:40]}" if once else None
    accepted = submit_job(service, request, Try(key, fingerprint, is_retry=False))
    return led_to(job_path(accepted.job.id))


def checked(kind: type[Request], values: dict[str, Any]) -> Request:
    """The request that a form's texts describe. Raises `InvalidField`."""
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise invalid_field(error, values, kind.model_json_schema()) from None
