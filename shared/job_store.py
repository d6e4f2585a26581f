"""The job store as its users see it: submit, read, list, cancel. Every change is one script, safe to repeat.

The record in the store is the truth about a job. Changes run as Lua scripts (`job_scripts/`), so that status,
indexes, counters and events change together or not at all. What only a worker may do stands in
`shared/worker_store.py`, what deletes in `shared/keeper_store.py`.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Self

import redis

from shared.errors import IdempotencyMismatch, InvalidTransition, ModelUnknown, NotFound, TooManyJobs
from shared.job_records import (
    Census,
    EventPage,
    JobPage,
    StoredEvents,
    Submission,
    WorkerState,
    event_of,
    event_order,
    is_first,
    record_of,
    runs_of,
    worker_of,
)
from shared.jobs import KINDS, STATUSES
from shared.messages.message import say, stored
from shared.schemas.datasets import PartWarning
from shared.schemas.fields import JobKind, JobStatus
from shared.schemas.records import JobRecord
from shared.schemas.requests import JobRequest
from shared.store_errors import store_errors
from shared.store_link import Outage, store_client
from shared.store_scripts import script

PREFIX = "tunedock:"
ANSWER_SECONDS = 1.3  # for one reply; looking up the name and connecting take their own


class JobStore:
    """All jobs, in one Redis ≥ 6.2 or Valkey; while it is away, each call raises `StoreUnavailable`."""

    def __init__(self, client: "redis.Redis", outage: Outage | None = None) -> None:
        self._redis = client
        self._outage = outage

    @classmethod
    def connect(cls, url: str, *, timeout_seconds: float = 2.0) -> Self:
        """Connect lazily; a call waits for the store again and again, each time for the timeout at most."""
        return cls(store_client(url, timeout_seconds=timeout_seconds))

    @classmethod
    def connect_for_answers(cls, url: str) -> Self:
        """Connect lazily, for who must answer others soon: a call gives up within two seconds, and at once
        while the store is known to be silent.
        """
        client = store_client(url, timeout_seconds=ANSWER_SECONDS)
        return cls(client, Outage(client.ping))

    def check_writes(self) -> None:
        """Raises `StoreUnavailable` if a job could not be recorded now: away, full, read only."""
        with store_errors(self._outage):
            self._redis.set(f"{PREFIX}written", "", ex=60)

    def find_repeat(
        self, *, owner: str, idempotency_key: str | None, fingerprint: str, is_retry: bool
    ) -> JobRecord | None:
        """The job an earlier, equal request made, or None. Raises `IdempotencyMismatch`."""
        verdict, job_id = self._run(
            "submit", "", "", "", owner, idempotency_key or "", fingerprint, int(is_retry), 0
        )
        return self._repeat(verdict, job_id)

    def submit(
        self,
        job_id: str,
        request: JobRequest,
        *,
        owner: str,
        idempotency_key: str | None,
        fingerprint: str,
        is_retry: bool,
        max_queued_jobs: int,
        warnings: Sequence[PartWarning] = (),
    ) -> Submission:
        """Queue a job once, however often it is repeated; each of `warnings` is one of its first events.

        Raises `IdempotencyMismatch`, `TooManyJobs`, and `ModelUnknown` when the fine-tuned model it names is
        deleted.
        """
        verdict, found_id = self._run(
            "submit", job_id, request.kind, request.model_dump_json(), owner, idempotency_key or "",
            fingerprint, int(is_retry), max_queued_jobs,
            json.dumps([_first_event(each) for each in warnings]),
        )  # fmt: skip
        if verdict == "full":
            raise TooManyJobs(say("too-many-jobs", jobs=max_queued_jobs))
        if verdict == "gone":
            raise ModelUnknown(say("model-was-deleted", model=found_id))
        earlier = self._repeat(verdict, found_id)
        return Submission(earlier or self.get(found_id), created=earlier is None)

    def get(self, job_id: str) -> JobRecord:
        """Raises `NotFound`."""
        record = self._records([job_id])[0]
        if record is None:
            raise NotFound(say("no-such-job", job=job_id), param="job_id")
        return record

    def list_jobs(
        self,
        *,
        kind: JobKind | None = None,
        status: JobStatus | Sequence[JobStatus] | None = None,
        after: str | None = None,
        limit: int = 20,
        metadata: Mapping[str, str] | None = None,
    ) -> JobPage:
        """Newest first, those older than job `after`; filters combine. Raises `NotFound` if it is unknown."""
        statuses = (status,) if isinstance(status, str) else status or STATUSES
        indexes = [index_key(k, s) for k in ((kind,) if kind else KINDS) for s in statuses]
        below = self._number_of(after) if after else None
        found: list[JobRecord] = []
        while len(found) <= limit:
            ids = self._ids_below(indexes, below, limit + 1)
            records = [
                record for record in self._records([job_id for job_id, _ in ids]) if record is not None
            ]
            found.extend(record for record in records if _has_metadata(record, metadata or {}))
            if len(ids) <= limit:
                break
            below = ids[-1][1]
        return JobPage(tuple(found[:limit]), has_more=len(found) > limit)

    def cancel(self, job_id: str) -> JobRecord:
        """Cancel a queued job, ask a running one to stop; once it publishes its result it is too late.

        Raises `NotFound` and `InvalidTransition`.
        """
        verdict = self._run("cancel", job_id)
        record = self.get(job_id)
        if verdict == "ended":
            raise InvalidTransition(say("job-ended-before-cancel", job=job_id, status=record.status))
        return record

    def pause(self, job_id: str) -> JobRecord:
        """Take a queued job out of the queue, ask a running one to save a checkpoint and stop.

        Raises `NotFound`, and `InvalidTransition` once it publishes its result, is being cancelled or has
        ended.
        """
        verdict = self._run("pause", job_id)
        record = self.get(job_id)
        refusals = {
            "late": say("job-publishes-before-pause", job=job_id),
            "cancelling": say("job-is-being-cancelled", job=job_id),
            "ended": say("job-ended-before-pause", job=job_id, status=record.status),
        }
        if refusal := refusals.get(verdict):
            raise InvalidTransition(refusal)
        return record

    def resume(self, job_id: str) -> JobRecord:
        """Queue a paused job again, where it stood. Raises `NotFound` and `InvalidTransition`."""
        verdict = self._run("resume", job_id)
        record = self.get(job_id)
        if verdict == "cancelling":
            raise InvalidTransition(say("job-is-being-cancelled", job=job_id))
        if verdict == "ended":
            raise InvalidTransition(say("job-ended-before-resume", job=job_id, status=record.status))
        return record

    def hold(self) -> list[str]:
        """Pause the whole queue: no job starts any more. Returns the running jobs that are asked to pause."""
        return list(self._run("hold"))

    def let_go(self) -> list[str]:
        """End `hold`; returns the jobs that it had paused and that are queued again."""
        return list(self._run("let_go"))

    def is_held(self) -> bool:
        """Whether the whole queue is paused."""
        with store_errors(self._outage):
            return bool(self._redis.exists(f"{PREFIX}held"))

    def events(self, job_id: str, *, after: str | None = None, limit: int = 100) -> EventPage:
        """Newest first, those older than event `after`, as far as the store keeps them: messages, and steps
        while they are new. `shared.event_log` adds what the journals on disk have. Raises `NotFound`.
        """
        events = self.stored_events(job_id, after=after, limit=limit + 1).events
        return EventPage(events[:limit], has_more=len(events) > limit)

    def stored_events(self, job_id: str, *, after: str | None = None, limit: int) -> StoredEvents:
        """The newest `limit` that the store keeps of those older than `after`. Raises `NotFound`."""
        with store_errors(self._outage):
            pipeline = self._redis.pipeline(transaction=True)
            pipeline.hmget(job_key(job_id), "status", "journal_runs")
            if not (after and is_first(after)):
                for stream in ("events", "tail"):
                    newest = f"({after}" if after else "+"
                    pipeline.xrevrange(f"{PREFIX}{stream}:{job_id}", max=newest, count=limit)
            (status, runs), *streams = pipeline.execute()
        if status is None:
            raise NotFound(say("no-such-job", job=job_id), param="job_id")
        rows = sorted((row for rows in streams for row in rows), key=lambda row: event_order(row[0]))
        return StoredEvents(tuple(event_of(*row) for row in reversed(rows[-limit:])), runs_of(runs))

    def workers(self) -> list[WorkerState]:
        """Every worker that spoke within the last minute."""
        with store_errors(self._outage):
            now = self._now_seconds()
            hosts: Any = self._redis.zrange(f"{PREFIX}workers", 0, -1)
            pipeline = self._redis.pipeline(transaction=False)
            for host in hosts:
                pipeline.hgetall(f"{PREFIX}worker:{host}")
            states = pipeline.execute() if hosts else []
        return [
            worker_of(host, fields, now)
            for host, fields in sorted(zip(hosts, states, strict=True))
            if fields  # else it was silent for a minute
        ]

    def census(self) -> Census:
        with store_errors(self._outage):
            now = self._now_seconds()
            pairs = [(kind, status) for kind in KINDS for status in STATUSES]
            pipeline = self._redis.pipeline(transaction=True)
            for kind, status in pairs:
                pipeline.zcard(index_key(kind, status))
            pipeline.hgetall(f"{PREFIX}counters")
            pipeline.zrange(f"{PREFIX}queued", 0, 0)
            pipeline.exists(f"{PREFIX}held")
            pipeline.info("memory")
            *sizes, counters, oldest, is_held, memory = pipeline.execute()
        records = dict(zip(pairs, sizes, strict=True))
        waiting = self._records(oldest)
        return Census(
            records=records,
            queue_length={kind: records[kind, "queued"] for kind in KINDS},
            oldest_queued_seconds=max(0.0, now - waiting[0].queued_at) if waiting and waiting[0] else 0.0,
            counters={name: float(value) for name, value in counters.items()},
            queue_paused=bool(is_held),
            memory_bytes=(int(memory["used_memory"]), int(memory["maxmemory"])),
        )

    def _run(self, name: str, *arguments: str | int | float) -> Any:
        with store_errors(self._outage):
            return self._redis.register_script(script(name))(args=list(arguments))

    def _repeat(self, verdict: str, job_id: str) -> JobRecord | None:
        if verdict == "mismatch":
            raise IdempotencyMismatch(
                say("idempotency-key-of-other-body", job=job_id), param="Idempotency-Key"
            )
        if verdict == "deleted":
            raise IdempotencyMismatch(
                say("idempotency-key-of-deleted-job", job=job_id), param="Idempotency-Key"
            )
        return self.get(job_id) if verdict == "repeat" else None

    def _records(self, job_ids: Sequence[str]) -> list[JobRecord | None]:
        with store_errors(self._outage):
            pipeline = self._redis.pipeline(transaction=True)
            for job_id in job_ids:
                pipeline.hgetall(job_key(job_id))
                pipeline.zrank(f"{PREFIX}queued", job_id)
            rows = pipeline.execute() if job_ids else []
        return [
            record_of(job_id, fields, rank) if fields else None
            for job_id, fields, rank in zip(job_ids, rows[::2], rows[1::2], strict=True)
        ]

    def _number_of(self, job_id: str) -> int:
        """Also of a job that was deleted within the last hour."""
        with store_errors(self._outage):
            number: Any = self._redis.hget(job_key(job_id), "number")
            if number is None:
                number = self._redis.get(f"{PREFIX}gone:{job_id}")
        if number is None:
            raise NotFound(say("no-such-job", job=job_id), param="after")
        return int(number)

    def _ids_below(self, indexes: Sequence[str], below: int | None, count: int) -> list[tuple[str, int]]:
        newest = f"({below}" if below is not None else "+inf"
        with store_errors(self._outage):
            pipeline = self._redis.pipeline(transaction=True)
            for index in indexes:
                pipeline.zrevrangebyscore(index, newest, "-inf", start=0, num=count, withscores=True)
            merged = [(job_id, int(score)) for rows in pipeline.execute() for job_id, score in rows]
        return sorted(merged, key=lambda pair: -pair[1])[:count]

    def _now_seconds(self) -> float:
        seconds, microseconds = self._redis.time()
        return float(seconds) + float(microseconds) / 1e6


def request_fingerprint(body: object) -> str:
    """SHA-256 of a request in canonical JSON: equal bodies have equal fingerprints."""
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def job_key(job_id: str) -> str:
    return f"{PREFIX}job:{job_id}"


def _first_event(warning: PartWarning) -> dict[str, str]:
    """The event in the script's terms; its data is JSON in a string, as the store keeps it."""
    about = warning.model_dump(mode="json", include={"code", "part", "count", "lines"})
    return {"level": warning.level, "message": stored(warning.said), "data": json.dumps(about)}


def index_key(kind: JobKind, status: JobStatus) -> str:
    return f"{PREFIX}index:{kind}:{status}"


def _has_metadata(record: JobRecord, wanted: Mapping[str, str]) -> bool:
    metadata = record.request.get("metadata", {})
    return all(metadata.get(key) == value for key, value in wanted.items())
