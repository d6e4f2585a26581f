"""A job's page: where it stands, its plots while it runs, what it came to, its events."""

import time
from dataclasses import dataclass
from functools import partial

from flask import Response

from services.api.desk import job_events, job_words
from services.api.desk.deliveries import told_addresses
from services.api.desk.outcome import outcome_of
from services.api.desk.rows_as_read import rows_as_read
from services.api.desk.rows_to_read import RowSource, rows_name, rows_to_read
from services.api.desk.run_plots import loss_plot, time_plot
from services.api.desk.shell import desk_page
from services.api.desk.step_numbers import steps_of
from services.api.desk.told_events import shown_rows, told_events
from services.api.desk.troubles import troubles
from services.api.job_routes import report_of, report_page
from services.api.page_kit.rows import Row
from services.api.page_kit.scales import Scale
from services.api.report_pages import PAGES, head_of
from services.api.service import Service
from services.api.training_page.known import flat_rows
from shared.model_names import fine_tuned_model
from shared.schemas.records import JobRecord

MOST_EVENTS = 60
ONCE_SECONDS = 600


@dataclass(frozen=True)
class Orders:
    """What may be ordered of a job as it stands."""

    pause: bool
    resume: bool
    cancel: bool
    move: bool
    delete: bool
    start: bool
    """The training that was planned."""
    change: bool
    """The same again with other settings."""
    evaluate: bool
    download: bool

    @classmethod
    def of(cls, record: JobRecord) -> "Orders":
        status, is_training = record.status, record.kind == "fine_tuning"
        is_plan, succeeded = bool(record.request.get("dry_run")), status == "succeeded"
        has_model = is_training and succeeded and not is_plan and record.model_deleted_at is None
        return cls(
            pause=status in ("queued", "running"),
            resume=status in ("paused", "pausing"),
            cancel=not job_words.has_ended(record) and status != "cancelling",
            move=status == "queued" and record.queue_position is not None,
            delete=job_words.has_ended(record),
            start=is_plan and succeeded,
            change=record.kind in ("fine_tuning", "dataset_report") and job_words.has_ended(record),
            evaluate=has_model,
            download=has_model,
        )


def get_job(service: Service, job_id: str) -> Response:
    """Raises `NotFound` and `StoreUnavailable`."""
    record = service.store.get(job_id)
    page = service.store.messages(job_id, limit=MOST_EVENTS)
    events = page.events
    steps = steps_of(service.job_folder(job_id), record.attempt)
    done = None if record.status == "succeeded" else job_words.done_of(record.progress)
    orders = Orders.of(record)
    has_report = _has_report(service, record)
    is_of_rows = record.kind == "dataset_report" and record.status == "succeeded"
    as_read = rows_as_read(report_of(service, record)) if is_of_rows else None
    return desk_page(
        "desk_job.html",
        record=record,
        words=job_words,
        orders=orders,
        troubles=() if job_words.has_ended(record) else troubles(service),
        done=done,
        width=Scale(1.0).percent(done.share) if done else 0.0,
        is_plan=bool(record.request.get("dry_run")),
        losses=loss_plot(steps),
        times=time_plot(steps),
        outcome=outcome_of(record),
        events=told_events(events),
        older=job_events.path_of(job_id, events[-1].id) if page.has_more else None,
        deliveries=told_addresses(service, job_id),
        rows=as_read.rows if as_read else shown_rows(events),
        as_read=as_read,
        rows_name=rows_name(service, record),
        asked=_asked(record),
        has_report=has_report,
        head=head_of(service, record, report_of(service, record)) if has_report else None,
        others=_rows_to_evaluate_on(service, record) if orders.evaluate else (),
        is_learned=partial(_is_learned, record),
        model_job=_model_job(record),
        archive=f"{record.id}-{service.job_folder(record.id).adapter.name}",
        # a form of the same minutes makes one job, however often it is sent
        once=f"{record.id} {int(time.time() // ONCE_SECONDS)}",
    )


def get_report(service: Service, job_id: str) -> Response:
    """As `GET /v1/jobs/ID/report?format=html` has it. Raises `NotFound` and `NotFinished`."""
    return report_page(service, service.store.get(job_id))


def _rows_to_evaluate_on(service: Service, record: JobRecord) -> tuple[RowSource, ...]:
    """Uploads that the model has not learned come first, then those that it has, then the data sets."""
    rows = rows_to_read(service)
    return tuple(sorted(rows, key=lambda one: (one.field == "dataset", _is_learned(record, one))))


def _is_learned(record: JobRecord, rows: RowSource) -> bool:
    return bool(record.request.get(rows.field) == rows.value)


def _model_job(record: JobRecord) -> str | None:
    """The training that made the model which a job evaluates."""
    adapter = record.request.get("adapter") if record.kind == "evaluation" else None
    model = fine_tuned_model(str(adapter)) if adapter else None
    return model.job_id if model else None


def _asked(record: JobRecord) -> tuple[Row, ...]:
    """All fields of the request that have a value, those of the learning without the word before them."""
    fields = {name: value for name, value in record.request.items() if name != "kind"}
    learning = fields.pop("hyperparameters", None) or {}
    return tuple(flat_rows({**fields, **learning}))


def _has_report(service: Service, record: JobRecord) -> bool:
    """Whether there is a page with pictures to open."""
    if record.kind not in PAGES or record.request.get("dry_run") or not job_words.has_ended(record):
        return False
    return service.job_folder(record.id).report.is_file()
