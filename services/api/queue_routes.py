"""The queue: which job starts when, and whether any may start."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from services.api.service import Service
from shared.job_store import Move
from shared.schemas.fields import Name, Priority
from shared.schemas.frozen import Frozen
from shared.schemas.records import JobRecord
from shared.schemas.requests import exactly_one

Places = Annotated[int, Field(ge=1, le=1_000_000)]


class MoveRequest(Frozen):
    """Where in the queue a job is to go: one of the fields. The ends of the queue stop it."""

    to: Literal["front", "back"] | None = None
    before: Name | None = Field(None, description="the id of a queued job")
    behind: Name | None = Field(None, description="the id of a queued job")
    up: Places | None = Field(None, description="so many places towards the front")
    down: Places | None = Field(None, description="so many places towards the back")
    priority: Priority | None = None

    @model_validator(mode="after")
    def _one_place(self) -> "MoveRequest":
        exactly_one(**dict(self))
        return self

    def order(self) -> tuple[Move, str | int]:
        """In the store's terms."""
        if self.to is not None:
            return self.to, ""
        ways: tuple[Move, ...] = ("before", "behind", "up", "down", "priority")
        return next((how, what) for how in ways if (what := getattr(self, how)) is not None)


class QueueState(Frozen):
    """Whether jobs may start; `jobs` are those that an order to the whole queue paused or resumed."""

    object: Literal["queue"] = "queue"
    paused: bool
    jobs: list[str] = []


def move_job(service: Service, *, job_id: str, body: MoveRequest) -> JobRecord:
    return service.store.move(job_id, *body.order())


def get_queue(service: Service) -> QueueState:
    return QueueState(paused=service.store.is_held())


def pause_queue(service: Service) -> QueueState:
    return QueueState(paused=True, jobs=service.store.hold())


def resume_queue(service: Service) -> QueueState:
    jobs = service.store.let_go()
    service.ring("the queue was resumed")
    return QueueState(paused=False, jobs=jobs)
