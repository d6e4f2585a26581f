"""What a person orders on the pages: each is a form, which calls what the HTTP route calls and leads back."""

from collections.abc import Callable

from flask import Response
from pydantic import ValidationError

from services.api import job_routes, queue_routes, webhook_routes
from services.api.desk.forms import HOME, led_to, local_path, sent_fields
from services.api.queue_routes import MoveRequest
from services.api.removal_routes import delete_job
from services.api.service import Service
from shared.field_errors import invalid_field


def cancel(service: Service, job_id: str) -> Response:
    return _ordered(lambda: job_routes.cancel_job(service, job_id=job_id), job_id)


def pause(service: Service, job_id: str) -> Response:
    return _ordered(lambda: job_routes.pause_job(service, job_id=job_id), job_id)


def resume(service: Service, job_id: str) -> Response:
    return _ordered(lambda: job_routes.resume_job(service, job_id=job_id), job_id)


def move(service: Service, job_id: str) -> Response:
    """The form names one place, as the body of the route does: `up=1`, `to=front`."""
    fields = sent_fields()
    back = local_path(fields.pop("back", job_path(job_id)))
    queue_routes.move_job(service, job_id=job_id, body=_place(fields))
    return led_to(back)


def delete(service: Service, job_id: str) -> Response:
    """Its own page is gone then, so it leads to the first one."""
    delete_job(service, job_id=job_id)
    return led_to(HOME)


def resend(service: Service, job_id: str, delivery_id: str) -> Response:
    """Send a webhook of the job once more, at once."""
    webhook_routes.resend_delivery(service, delivery_id=delivery_id)
    return led_to(job_path(job_id))


def pause_queue(service: Service) -> Response:
    queue_routes.pause_queue(service)
    return led_to(HOME)


def resume_queue(service: Service) -> Response:
    queue_routes.resume_queue(service)
    return led_to(HOME)


def job_path(job_id: str) -> str:
    return f"/jobs/{job_id}"


def _ordered(order: Callable[[], object], job_id: str) -> Response:
    back = local_path(sent_fields().get("back", job_path(job_id)))
    order()
    return led_to(back)


def _place(fields: dict[str, str]) -> MoveRequest:
    """Raises `InvalidField`."""
    try:
        return MoveRequest.model_validate(fields)
    except ValidationError as error:
        raise invalid_field(error, fields, MoveRequest.model_json_schema()) from None
