"""A job as the outside sees it: its record, its progress, its history."""

from typing import Any, Literal

from pydantic import ConfigDict, Field

from shared.schemas.datasets import JobWarning
from shared.schemas.fields import JobKind, JobStatus
from shared.schemas.frozen import Frozen


class Progress(Frozen):
    """Where a running job is; seconds and counts, all but `stage` null until known."""

    model_config = ConfigDict(frozen=True, extra="allow", allow_inf_nan=False)

    stage: str = "queued"
    step: int | None = None
    total_steps: int | None = None
    loss: float | None = None
    step_seconds: float | None = None
    tokens_per_second: float | None = None
    eta_seconds: float | None = None


class JobError(Frozen):
    """Why a job failed and what the reader can do."""

    code: str
    message: str
    remedy: str


class JobRecord(Frozen):
    """One job as the outside sees it; times are UTC seconds since 1970."""

    id: str
    kind: JobKind
    status: JobStatus
    request: dict[str, Any]
    created_at: float
    queued_at: float
    started_at: float | None = None
    finished_at: float | None = None
    attempt: int = 0
    pauses: int = Field(
        0,
        description="attempts that ended because the job was paused; "
        "other earlier ones ended because their worker did",
    )
    queue_position: int | None = Field(
        None, description="1 is next; null when not queued, or when it waits for other jobs"
    )
    priority: int = Field(0, description="higher starts first")
    waits_for: list[str] = Field([], description="the jobs that must succeed before this one may start")
    progress: Progress = Progress()
    result: dict[str, Any] | None = None
    error: JobError | None = None
    model_deleted_at: float | None = Field(
        None, description="when the model that a fine-tuning job made was deleted; null while it is kept"
    )

    @property
    def interruptions(self) -> int:
        """Earlier attempts that ended because their worker did: it died, or was shut down."""
        is_begun = self.status not in ("queued", "paused")
        return max(0, self.attempt - self.pauses - is_begun)


class JobEvent(Frozen):
    """One line of a job's history; `id` is `<attempt>-<number>` and rises strictly."""

    id: str
    created_at: float
    level: Literal["info", "warn", "error"]
    type: Literal["message", "metrics"]
    message: str
    data: dict[str, Any] = {}


class ToldEvent(JobEvent):
    """An event as a stream tells it: the line of a history, and whose."""

    job_id: str


class AcceptedJob(JobRecord):
    """The answer to a submit: the record, and what is worth knowing of the rows that were read."""

    warnings: list[JobWarning] = []
