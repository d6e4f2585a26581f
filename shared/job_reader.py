"""The job store as its readers see it: records, lists, events, workers, counts. It changes no job."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Self

import redis

from shared.errors import NotFound
from shared.job_records import (
    Census,
    EventPage,
    JobLine,
    JobPage,
    StoredEvents,
    WorkerState,
    event_of,
    event_order,
    is_first,
    record_of,
    runs_of,
    worker_of,
)
from shared.jobs import KINDS, STATUSES, kind_of_id
from shared.messages.message import say
from shared.schemas.fields import JobKind, JobStatus, NoMetadata
from shared.schemas.records import JobEvent, JobRecord
from shared.store_errors import store_errors
from shared.store_link import Outage, store_client
from shared.store_scripts import script

PREFIX = "tunedock:"
Line = Literal["queued", "waiting", "paused"]
ANSWER_SECONDS = 1.3  # for one reply; looking up the name and connecting take their own


class JobReader:
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
        metadata: Mapping[str, str] | NoMetadata | None = None,
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

    def line(self, of: Line, *, limit: int) -> JobLine:
        """The first jobs that no worker has, in their order: those that may start, that wait for other jobs,
        or that are paused; and how many there are.
        """
        with store_errors(self._outage):
            pipeline = self._redis.pipeline(transaction=True)
            pipeline.zrange(f"{PREFIX}{of}", 0, limit - 1)
            pipeline.zcard(f"{PREFIX}{of}")
            job_ids, length = pipeline.execute()
        records = self._records(job_ids)
        return JobLine(tuple(record for record in records if record is not None), length)

    def messages(self, job_id: str, *, limit: int, after: str | None = None) -> EventPage:
        """The events that are no steps, newest first, those older than event `after`. Raises `NotFound`."""
        found: list[JobEvent] = []
        rows = self._newest_kept(job_id, after, 4 * limit)
        while rows and len(found) <= limit:
            events = [event_of(*row) for row in rows]  # a disk that was full left steps here, too
            found += [event for event in events if event.type == "message"]
            rows = self._newest_kept(job_id, events[-1].id, 4 * limit) if len(rows) == 4 * limit else []
        return EventPage(tuple(found[:limit]), has_more=len(found) > limit)

    def _newest_kept(self, job_id: str, after: str | None, count: int) -> list[tuple[str, dict[str, str]]]:
        with store_errors(self._outage):
            pipeline = self._redis.pipeline(transaction=True)
            pipeline.exists(job_key(job_id))
            pipeline.xrevrange(f"{PREFIX}events:{job_id}", max=f"({after}" if after else "+", count=count)
            is_there, rows = pipeline.execute()
        if not is_there:
            raise NotFound(say("no-such-job", job=job_id), param="job_id")
        return list(rows)

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
            pipeline.zrange(f"{PREFIX}waiting", 0, -1)
            pipeline.exists(f"{PREFIX}held")
            pipeline.info("memory")
            pipeline.zcard(f"{PREFIX}webhooks:due")
            pipeline.zcard(f"{PREFIX}webhooks:failed")
            *sizes, counters, first, waiting, is_held, memory, due, failed = pipeline.execute()
        records = dict(zip(pairs, sizes, strict=True))
        waiting_for_jobs = Counter(kind_of_id(job_id) for job_id in waiting)
        head = self._records(first)
        return Census(
            records=records,
            queue_length={kind: records[kind, "queued"] - waiting_for_jobs[kind] for kind in KINDS},
            waiting_for_jobs={kind: waiting_for_jobs[kind] for kind in KINDS},
            oldest_queued_seconds=max(0.0, now - head[0].queued_at) if head and head[0] else 0.0,
            counters={name: float(value) for name, value in counters.items()},
            queue_paused=bool(is_held),
            memory_bytes=(int(memory["used_memory"]), int(memory["maxmemory"])),
            webhooks_due=due,
            webhooks_failed=failed,
        )

    def _run(self, name: str, *arguments: str | int | float) -> Any:
        with store_errors(self._outage):
            return self._redis.register_script(script(name))(args=list(arguments))

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


def job_key(job_id: str) -> str:
    return f"{PREFIX}job:{job_id}"


def index_key(kind: JobKind, status: JobStatus) -> str:
    return f"{PREFIX}index:{kind}:{status}"


def _has_metadata(record: JobRecord, wanted: Mapping[str, str] | NoMetadata) -> bool:
    metadata = record.request.get("metadata") or {}
    if isinstance(wanted, str):
        return not metadata
    return all(metadata.get(key) == value for key, value in wanted.items())
