"""Which ended jobs leave, and why: one rule for the sweep, for `prune`, and for what a dry run shows.

Pure: facts in, removals out. Among the jobs that may go, the oldest go: those that ended too long ago, those
beyond a number of newer ones, those beyond a size that newer ones fill.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from shared.messages.message import Message, say
from shared.schemas.fields import JobKind, JobStatus
from shared.settings import Settings

Reason = Literal["age", "count", "bytes"]
DAY_SECONDS = 86_400.0


@dataclass(frozen=True)
class KeptJob:
    """One ended job. `size_bytes`: its folder on disk. `has_weights`: an adapter, or a checkpoint of one.

    `used_by`: a job that has not ended and needs its model.
    """

    id: str
    kind: JobKind
    status: JobStatus
    finished_at: float
    number: int
    size_bytes: int
    has_weights: bool
    used_by: str | None = None


@dataclass(frozen=True)
class RetentionRule:
    """How much is kept of the ended jobs that may go; None is no limit.

    `spare_weights`: jobs with an adapter or a checkpoint stay, whatever the limits.
    """

    keep_jobs: int | None
    keep_days: float | None
    keep_bytes: int | None
    spare_weights: bool

    @classmethod
    def of(cls, settings: Settings) -> "RetentionRule":
        return cls(settings.keep_jobs, settings.keep_days, settings.keep_bytes, settings.keep_adapters)

    def lets_go(self, job: KeptJob) -> bool:
        """Whether the limits are for this job at all."""
        return job.used_by is None and not (self.spare_weights and job.has_weights)


@dataclass(frozen=True)
class Leaving:
    """A job the rule lets go, the limit that it is beyond, and that in words."""

    job: KeptJob
    reason: Reason
    why: Message


def leaving(jobs: Iterable[KeptJob], rule: RetentionRule, now: float) -> list[Leaving]:
    """The jobs that leave by `rule` at `now` (UTC seconds), oldest first.

    What is spared or in use neither leaves nor counts.
    """
    found: list[Leaving] = []
    filled_bytes = 0
    newest_first = sorted(filter(rule.lets_go, jobs), key=lambda job: (-job.finished_at, -job.number))
    for place, job in enumerate(newest_first, start=1):
        filled_bytes += job.size_bytes
        if rule.keep_days is not None and now - job.finished_at > rule.keep_days * DAY_SECONDS:
            age_days = (now - job.finished_at) / DAY_SECONDS
            why = say("ended-too-long-ago", age_days=f"{age_days:.1f}", kept_days=_number(rule.keep_days))
            found.append(Leaving(job, "age", why))
        elif rule.keep_jobs is not None and place > rule.keep_jobs:
            why = say("enough-newer-jobs", newer=place - 1, kept=rule.keep_jobs)
            found.append(Leaving(job, "count", why))
        elif rule.keep_bytes is not None and filled_bytes > rule.keep_bytes:
            why = say("newer-jobs-fill", filled_bytes=filled_bytes, kept_bytes=rule.keep_bytes)
            found.append(Leaving(job, "bytes", why))
    return found[::-1]


def _number(days: float) -> int | float:
    """Whole days as a whole number, by which a language chooses its plural."""
    return int(days) if float(days).is_integer() else days
