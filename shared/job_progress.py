"""What a job does now, and how much of that is done: one reading for its page and for who watches it."""

from dataclasses import dataclass
from typing import Literal

from shared.messages.message import Message, say
from shared.schemas.records import JobRecord, Progress

Unit = Literal["steps", "rows", "bytes"]
# What a stage may count, and the fields of its progress that have it and how much there is.
COUNTS: tuple[tuple[Unit, str, str], ...] = (
    ("steps", "step", "total_steps"),
    ("rows", "rows", "total_rows"),
    ("bytes", "done_bytes", "total_bytes"),
)


@dataclass(frozen=True)
class Counted:
    """So much of a stage is done, of `total`; None: how much there is, is not known."""

    unit: Unit
    done: float
    total: float | None

    @property
    def share(self) -> float | None:
        return None if self.total is None else min(1.0, self.done / self.total)


def counted(progress: Progress) -> Counted | None:
    """None where the stage counts nothing."""
    fields = progress.model_dump()
    for unit, done, total in COUNTS:
        if isinstance(fields.get(done), int | float):
            return Counted(unit, fields[done], fields.get(total) or None)
    return None


def stage_of(record: JobRecord) -> Message:
    """What a job does now; of one that no worker has, or that is told to stop, its status. In the reader's
    language: the record has a word for programs.
    """
    if record.status != "running":
        return say("job-status-row", status=record.status)
    name = "starting" if record.progress.stage == "queued" else record.progress.stage
    return say("stage-row", stage=name, key=name.replace(" ", "_"))
