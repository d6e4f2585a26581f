"""Every page of the desk, in one table. They are for people, so no OpenAPI document describes them."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPMethod

from flask import Flask, Response

from services.api.desk import (
    all_jobs,
    entry,
    home,
    job,
    job_events,
    model_jobs,
    new_job,
    orders,
    static,
)
from services.api.desk.refused import ENDPOINT
from services.api.service import Service

GET, POST = HTTPMethod.GET, HTTPMethod.POST


@dataclass(frozen=True)
class DeskRoute:
    """`view` is called with the service and the path's parts. `is_public`: without a session, too."""

    method: HTTPMethod
    path: str
    view: Callable[..., Response]
    does: str
    is_public: bool = False

    @property
    def endpoint(self) -> str:
        return f"{ENDPOINT}{self.method} {self.path}"


PAGES = (
    DeskRoute(GET, "/", home.get_home, "What runs, the queue, recent jobs, the machine, the models"),
    DeskRoute(GET, "/jobs", all_jobs.get_jobs, "All jobs, by kind and status, older ones too"),
    DeskRoute(GET, "/jobs/<job_id>", job.get_job, "A job: its plots, its result, its events"),
    DeskRoute(GET, "/jobs/<job_id>/report", job.get_report, "Its report, with the ways back"),
    DeskRoute(GET, "/jobs/<job_id>/events", job_events.get_events, "Its events, older ones too"),
    DeskRoute(POST, "/jobs/<job_id>/cancel", orders.cancel, "Cancel it"),
    DeskRoute(POST, "/jobs/<job_id>/pause", orders.pause, "Pause it"),
    DeskRoute(POST, "/jobs/<job_id>/resume", orders.resume, "Resume it"),
    DeskRoute(POST, "/jobs/<job_id>/move", orders.move, "Move it in the queue"),
    DeskRoute(POST, "/jobs/<job_id>/delete", orders.delete, "Delete it"),
    DeskRoute(
        POST, "/jobs/<job_id>/webhooks/<delivery_id>/resend", orders.resend, "Send its webhook once more"
    ),
    DeskRoute(POST, "/jobs/<job_id>/start", new_job.start, "Train what it planned"),
    DeskRoute(POST, "/jobs/<job_id>/evaluate", model_jobs.evaluate, "Evaluate the model that it made"),
    DeskRoute(POST, "/queue/pause", orders.pause_queue, "Pause what runs, and let no job start"),
    DeskRoute(POST, "/queue/resume", orders.resume_queue, "Let jobs start again"),
    DeskRoute(GET, "/new", new_job.get_rows, "A new training: upload or choose its rows"),
    DeskRoute(POST, "/new/file", new_job.post_file, "Upload a file"),
    DeskRoute(POST, "/new/files/<file_id>/delete", new_job.delete_file, "Delete an uploaded file"),
    DeskRoute(GET, "/new/settings", new_job.get_settings, "Choose model and settings"),
    DeskRoute(POST, "/new/check", new_job.post_check, "Read all rows again, as the form says"),
    DeskRoute(POST, "/new/plan", new_job.post_plan, "Submit the dry run"),
    DeskRoute(POST, "/new/rows", new_job.post_rows, "Submit a report on the rows as the model reads them"),
    DeskRoute(POST, "/models/diagnose", model_jobs.diagnose, "Diagnose how a model loads"),
    DeskRoute(POST, "/models/prepare", model_jobs.prepare, "Prepare a model"),
    DeskRoute(POST, "/session", entry.post_session, "Begin a session with the key", is_public=True),
    DeskRoute(POST, "/session/end", entry.end_session, "End the session", is_public=True),
    DeskRoute(GET, "/static/desk.css", static.get_style, "Style of the pages", is_public=True),
    DeskRoute(GET, "/static/desk.js", static.get_script, "Script of the pages", is_public=True),
    DeskRoute(GET, "/static/sign.svg", static.get_sign, "Sign of the pages", is_public=True),
)


def bind_desk(app: Flask, service: Service) -> None:
    """Serve every page of the table."""
    for route in PAGES:
        app.add_url_rule(
            route.path,
            endpoint=route.endpoint,
            view_func=_view(service, route),
            methods=[route.method],
            provide_automatic_options=False,
        )


def _view(service: Service, route: DeskRoute) -> Callable[..., Response]:
    return lambda **parts: route.view(service, **parts)
