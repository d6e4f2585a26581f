"""What the job store takes and gives: claims, pages, counts; and how its stored fields become them."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from shared.messages.document import in_sentences
from shared.messages.render import shown
from shared.schemas.fields import JobKind, JobStatus
from shared.schemas.records import JobEvent, JobRecord

Verdict = Literal["ok", "already", "cancel", "pause", "fenced", "ended", "missing"]


@dataclass(frozen=True)
class Submission:
    """The job a submit led to; `created` is false when it repeats an earlier one.

    `number` is a new job's place among all, in the order in which they were accepted.
    """

    record: JobRecord
    created: bool
    number: int | None = None


@dataclass(frozen=True)
class JobPage:
    records: tuple[JobRecord, ...]
    has_more: bool


@dataclass(frozen=True)
class JobLine:
    """The first of `length` jobs that wait for something, in their order."""

    records: tuple[JobRecord, ...]
    length: int


@dataclass(frozen=True)
class EventPage:
    events: tuple[JobEvent, ...]
    has_more: bool


@dataclass(frozen=True)
class Claim:
    """A worker's right to run one attempt of a job. `attempt` is the fencing token of all its changes."""

    job_id: str
    attempt: int
    kind: JobKind
    request: dict[str, Any]
    created_at: float


@dataclass(frozen=True)
class WorkerEvent:
    """An event as the worker numbers it: 1, 2, 3 … in each attempt.

    `at`: seconds since the epoch, 0 for whenever the store takes it. `is_in_journal`: its attempt's journal
    on disk has it, so the store need not keep it for ever.
    """

    number: int
    level: str
    type: str
    message: str  # as `shared.messages.message.stored` writes it
    data: Mapping[str, Any]
    at: float = 0.0
    is_in_journal: bool = False


@dataclass(frozen=True)
class JournalRun:
    """Events with consecutive ids that lie one after the other in the journal of the attempt `source`.

    The first has the id `<attempt>-<count>` and the worker's own number `number`.
    """

    attempt: int
    count: int
    source: int
    number: int
    length: int


@dataclass(frozen=True)
class StoredEvents:
    """What the store keeps of a job's events, newest first, and which ones the journals have."""

    events: tuple[JobEvent, ...]
    runs: tuple[JournalRun, ...]


@dataclass(frozen=True)
class WorkerState:
    """What a worker last said of itself."""

    host: str
    beat_seconds_ago: float
    beat_timestamp_seconds: float
    fields: Mapping[str, str]


@dataclass(frozen=True)
class EndedJob:
    """What the store knows of a job that ended, as far as keeping or removing it goes."""

    id: str
    kind: JobKind
    status: JobStatus
    finished_at: float
    number: int
    model_deleted: bool


@dataclass(frozen=True)
class Census:
    """Counts over all jobs, taken at once; `counters` as the scripts keep them (`ended:<kind>:<status>`).

    `queue_length`: those that may start; `waiting_for_jobs`: queued, too, and waiting for others to succeed.
    `memory_bytes`: what the store uses, and its limit (0: none). `webhooks_due`: deliveries still to be made;
    `webhooks_failed`: given up, or off.
    """

    records: Mapping[tuple[JobKind, JobStatus], int]
    queue_length: Mapping[JobKind, int]
    waiting_for_jobs: Mapping[JobKind, int]
    oldest_queued_seconds: float
    counters: Mapping[str, float]
    queue_paused: bool
    memory_bytes: tuple[int, int]
    webhooks_due: int
    webhooks_failed: int


def _seconds(milliseconds: str | None) -> float | None:
    return int(milliseconds) / 1000 if milliseconds else None


def record_of(job_id: str, fields: Mapping[str, str], rank: int | None) -> JobRecord:
    def loaded(name: str) -> Any:
        return json.loads(fields[name]) if fields.get(name) else None

    return JobRecord.model_validate(
        {
            "id": job_id,
            "kind": fields["kind"],
            "status": fields["status"],
            "request": loaded("request"),
            "created_at": _seconds(fields["created_at"]),
            "queued_at": _seconds(fields["queued_at"]),
            "started_at": _seconds(fields.get("started_at")),
            "finished_at": _seconds(fields.get("finished_at")),
            "attempt": int(fields["attempt"]),
            "pauses": int(fields.get("pauses", 0)),
            "queue_position": None if rank is None else rank + 1,
            "priority": int(fields.get("priority", 0)),
            "waits_for": fields.get("waits_for", "").split(),
            "progress": _progress(loaded("progress") or {}, fields["status"]),
            "result": in_sentences(loaded("result")),
            "error": _error(loaded("error")),
            "model_deleted_at": _seconds(fields.get("model_deleted_at")),
        }
    )


def _progress(told: dict[str, Any], status: str) -> dict[str, Any]:
    """What a worker told last; time is left only while one works."""
    works = status in ("running", "pausing", "cancelling")
    return told if works else {name: value for name, value in told.items() if name != "eta_seconds"}


def _error(stored: Mapping[str, str] | None) -> dict[str, str] | None:
    """In the reader's language."""
    return {name: shown(text) for name, text in stored.items()} if stored else None


def event_of(event_id: str, fields: Mapping[str, str]) -> JobEvent:
    return JobEvent.model_validate(
        {
            "id": event_id,
            "created_at": int(fields["at"]) / 1000,
            "level": fields["level"],
            "type": fields["type"],
            "message": shown(fields["message"]),
            "data": in_sentences(json.loads(fields["data"])),
        }
    )


def event_order(event_id: str) -> tuple[int, int]:
    """What ids of events are compared by."""
    attempt, count = event_id.split("-")
    return int(attempt), int(count)


def is_first(event_id: str) -> bool:
    """Whether no event can come before it. The store refuses to list what is below it."""
    return event_order(event_id) == (0, 0)


def runs_of(text: str | None) -> tuple[JournalRun, ...]:
    """As `record_events.lua` writes them."""
    found = (re.fullmatch(r"(\d+)-(\d+):(\d+):(\d+):(\d+)", part) for part in (text or "").split())
    return tuple(JournalRun(*map(int, match.groups())) for match in found if match)


def worker_of(host: str, fields: Mapping[str, str], now: float) -> WorkerState:
    beat = float(fields["beat"])
    said = {name: value for name, value in fields.items() if name != "beat"}
    return WorkerState(host, now - beat, beat, said)
