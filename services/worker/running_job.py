"""What a job tells the world while it runs, and how it learns that it must stop."""

from collections.abc import Mapping
from typing import Literal, Protocol

from shared.messages.message import Message

Level = Literal["info", "warn", "error"]
JsonValue = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]


class JobStopped(Exception):
    """Base of the orders a job must obey at once; raised out of a `RunningJob` call, never swallowed."""


class JobCancelled(JobStopped):
    """The user cancelled the job."""


class WorkerDraining(JobStopped):
    """The worker shuts down: save a checkpoint and hand the job back."""


class JobPaused(WorkerDraining):
    """The user paused the job: save a checkpoint, hand the job back and free the device."""


class StoreLost(WorkerDraining):
    """The worker shuts down while the store is away: the job stays as it is; the next start takes it up."""


class LeaseLost(JobStopped):
    """Another attempt owns the job now; nothing of this one may take effect any more."""


class RunningJob(Protocol):
    """A running job's line to its record. A call is cheap, ticks the stall watch, may raise `JobStopped`."""

    def progress(self, stage: str, **fields: JsonValue) -> None:
        """Replace the record's progress; fields as in docs/contract.md (step, total_steps, loss, …)."""

    def event(
        self,
        message: Message,
        *,
        level: Level = "info",
        type: Literal["message", "metrics"] = "message",
        data: Mapping[str, JsonValue] | None = None,
    ) -> None:
        """Append one event to the job's stream."""

    def checkpoint(self, step: int) -> None:
        """Say that a durable checkpoint of `step` exists; never raises."""

    def publish(self) -> None:
        """Ask for leave to make the result visible; raises `JobCancelled` when a cancel came first."""


class NoJob:
    """A `RunningJob` for work outside any job (trial runs, benchmarks): tells nobody and never stops it."""

    def progress(self, stage: str, **fields: JsonValue) -> None:
        return

    def event(self, message: Message, **details: object) -> None:
        return

    def checkpoint(self, step: int) -> None:
        return

    def publish(self) -> None:
        return
