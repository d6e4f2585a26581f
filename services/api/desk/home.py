"""The first page: what runs, the queue, recent jobs, the machine and the models."""

from dataclasses import dataclass
from functools import partial

from flask import Response

from services.api.desk import job_words
from services.api.desk.disk_models import models_on_disk
from services.api.desk.machine import machine_of
from services.api.desk.results import made_models
from services.api.desk.rows_to_read import rows_name
from services.api.desk.run_plots import RunPlot, loss_plot
from services.api.desk.shell import desk_page
from services.api.desk.step_numbers import steps_of
from services.api.desk.troubles import troubles
from services.api.page_kit.scales import Scale
from services.api.service import Service
from shared.errors import StoreUnavailable
from shared.jobs import TERMINAL
from shared.messages.message import Message, say
from shared.schemas.records import JobRecord

MOST_AT_WORK = 20
MOST_IN_LINE = 50
MOST_RECENT = 15


@dataclass(frozen=True)
class Work:
    """A job that a worker has."""

    record: JobRecord
    done: job_words.Done | None
    losses: RunPlot | None

    @property
    def width(self) -> float:
        """Of its bar, in percent."""
        return Scale(1.0).percent(self.done.share) if self.done else 0.0


@dataclass(frozen=True)
class Jobs:
    """`waiting`: queued, but only to start after others. `made`: trainings whose models are here.
    `unshown`: how many of the lines are left out.
    """

    at_work: tuple[Work, ...]
    queued: tuple[JobRecord, ...]
    waiting: tuple[JobRecord, ...]
    paused: tuple[JobRecord, ...]
    ended: tuple[JobRecord, ...]
    made: tuple[JobRecord, ...]
    unshown: int
    is_held: bool

    @property
    def is_first_visit(self) -> bool:
        return not (self.at_work or self.queued or self.waiting or self.paused or self.ended)


def get_home(service: Service) -> Response:
    try:
        jobs = jobs_of(service)
    except StoreUnavailable:
        jobs = None  # the troubles say so
    return desk_page(
        "desk_home.html",
        headline=headline(jobs),
        troubles=troubles(service),
        jobs=jobs,
        machine=machine_of(service),
        models=models_on_disk(service),
        words=job_words,
        rows_name=partial(rows_name, service),
    )


def jobs_of(service: Service) -> Jobs:
    """Raises `StoreUnavailable`."""
    store = service.store
    works = store.list_jobs(status=("running", "pausing", "cancelling"), limit=MOST_AT_WORK).records
    queued, waiting, paused = (
        store.line("queued", limit=MOST_IN_LINE),
        store.line("waiting", limit=MOST_IN_LINE),
        store.line("paused", limit=MOST_IN_LINE),
    )
    return Jobs(
        at_work=tuple(_work(service, record) for record in works),
        queued=queued.records,
        waiting=waiting.records,
        paused=paused.records,
        ended=store.list_jobs(status=TERMINAL, limit=MOST_RECENT).records,
        made=made_models(service),
        unshown=sum(max(0, line.length - MOST_IN_LINE) for line in (queued, waiting, paused)),
        is_held=store.is_held(),
    )


def _work(service: Service, record: JobRecord) -> Work:
    losses = loss_plot(steps_of(service.job_folder(record.id), record.attempt))
    return Work(record, job_words.done_of(record.progress), losses)


def headline(jobs: Jobs | None) -> Message:
    if jobs is None:
        return say("headline-store-away")
    if jobs.is_first_visit:
        return say("headline-first-visit")
    waiting = len(jobs.queued) + len(jobs.waiting) + jobs.unshown
    if jobs.at_work:
        return say("headline-running", running=len(jobs.at_work), waiting=waiting)
    return say("headline-idle", waiting=waiting)
