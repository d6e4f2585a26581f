"""The job store as a repair sees it: every key as it is, and changes that only a repair makes.

A change names what it saw of a record and does nothing when that has changed: the service may be running.
"""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self, cast
from urllib.parse import urlsplit

import redis

from shared.job_reader import PREFIX, job_key
from shared.job_store import JobStore
from shared.jobs import KINDS, STATUSES, TERMINAL
from shared.messages.message import Message, stored
from shared.store_errors import store_errors
from shared.store_link import BoundedConnection, BoundedSSLConnection

_PAGE = 500
_LEASE_MS = 60_000
_SLOW_SECONDS = 60.0
_PAIRS = [word for kind in KINDS for status in STATUSES for word in (kind, status)]
_ENDED_PAIRS = [word for kind in KINDS for status in TERMINAL for word in (kind, status)]
_OF_ONE_JOB = ("job", "events", "tail")
_OF_ONE_JOB_PREFIXES = tuple(f"{part}:" for part in _OF_ONE_JOB)
# True of a moment, or rung again.
_PASSING = ("broker:", "worker:", "workers", "nonces", "written", "none", "live")
_SNAPSHOT_PAGE = 100


@dataclass(frozen=True)
class RawRecord:
    """A record's fields as the store has them; bytes that are no UTF-8 are half surrogates."""

    id: str
    fields: Mapping[str, str]

    @property
    def status(self) -> str:
        return self.fields.get("status", "")

    @property
    def seen(self) -> tuple[str, str, str]:
        """What a change compares before it does anything."""
        return self.id, self.status, self.fields.get("attempt", "")


class RepairStore(JobStore):
    """All jobs, whole or damaged."""

    @classmethod
    def connect(cls, url: str, *, timeout_seconds: float = _SLOW_SECONDS) -> Self:
        """For commands, which may wait; damaged text is read, too."""
        own = {"redis": BoundedConnection, "rediss": BoundedSSLConnection}.get(urlsplit(url).scheme)
        return cls(
            redis.Redis.from_url(
                url,
                decode_responses=True,
                encoding_errors="surrogateescape",
                socket_timeout=timeout_seconds,
                **({"connection_class": own} if own else {}),
            )
        )

    @classmethod
    def of(cls, store: JobStore) -> Self:
        """The same store through the same connections, for what needs no damaged text."""
        return cls(store._redis, store._outage)

    def raw_records(self) -> Iterator[RawRecord]:
        """Every record, in no order; one that goes meanwhile is left out."""
        ids = sorted(self.ids_of("job"))
        for start in range(0, len(ids), _PAGE):
            page = ids[start : start + _PAGE]
            with store_errors(self._outage):
                pipeline = self._redis.pipeline(transaction=False)
                for job_id in page:
                    pipeline.hgetall(job_key(job_id))
                rows: list[dict[str, str]] = pipeline.execute()
            yield from (
                RawRecord(job_id, fields) for job_id, fields in zip(page, rows, strict=True) if fields
            )

    def raw_record(self, job_id: str) -> RawRecord | None:
        with store_errors(self._outage):
            fields = cast("dict[str, str]", self._redis.hgetall(job_key(job_id)))
        return RawRecord(job_id, fields) if fields else None

    def ids_of(self, part: str) -> set[str]:
        """The jobs that have a key `tunedock:<part>:<id>`."""
        start = f"{PREFIX}{part}:"
        with store_errors(self._outage):
            return {key.removeprefix(start) for key in self._redis.scan_iter(match=f"{start}*", count=1000)}

    def ids_without_record(self) -> set[str]:
        """Jobs that a list, or a stream of events, names, and that have no record."""
        named: list[str] = self._run("named_ids", *_PAIRS)
        streams = self.ids_of("events") | self.ids_of("tail")
        return set(named) | (streams - self.ids_of("job"))

    def in_wrong_lists(self, job_ids: Sequence[str], *, mend: bool = False) -> list[str]:
        """Those of `job_ids` that are in a list of another status, or missing in one of theirs."""
        wrong: list[str] = []
        for start in range(0, len(job_ids), _PAGE):
            page = job_ids[start : start + _PAGE]
            wrong += self._run(
                "check_lists", "1" if mend else "", _LEASE_MS, len(_PAIRS) // 2, *_PAIRS, *page
            )
        return wrong

    def wrong_counts(self, highest: int, *, mend: bool = False) -> list[str]:
        """Names of counts that can't be right; `highest` is the number of the newest job."""
        return list(self._run("check_counts", "1" if mend else "", highest, *_ENDED_PAIRS))

    def rebuild(
        self,
        job_id: str,
        fields: Mapping[str, str],
        message: Message,
        *,
        idempotency_key: str = "",
        fingerprint: str = "",
    ) -> bool:
        """Make a record; False if there is one by now."""
        pairs = [word for pair in fields.items() for word in pair]
        verdict = self._run("rebuild", job_id, stored(message), idempotency_key, fingerprint, *pairs)
        return bool(verdict == "ok")

    def forget(self, job_id: str) -> None:
        """Drop what the store has of a job; `entries_of` has it before."""
        self._run("forget", job_id, *_PAIRS)

    def put_back(self, record: RawRecord, *, least_attempt: int, drop_lease: bool) -> bool:
        """Number the next attempt above `least_attempt`; with `drop_lease` nobody has the job any more."""
        drops = "1" if drop_lease else ""
        return bool(self._run("put_back", *record.seen, least_attempt, drops) == "ok")

    def end_as_told(
        self,
        record: RawRecord,
        status: str,
        message: Message,
        *,
        attempt: int = 0,
        finished_ms: str = "",
        result: str = "",
        error: str = "",
    ) -> bool:
        """End an open record."""
        told = (status, attempt, finished_ms, result, error, stored(message))
        return bool(self._run("end_as_told", *record.seen, *told) == "ok")

    def correct(self, record: RawRecord, fields: Mapping[str, str]) -> bool:
        """Replace fields of a record; one without a value goes."""
        pairs = [word for pair in fields.items() for word in pair]
        return bool(self._run("correct", *record.seen, *pairs) == "ok")

    def entries_of(self, job_id: str) -> list[dict[str, Any]]:
        """All that the store has of one job, as `entries` gives it."""
        return list(self.entries(f"{PREFIX}{part}:{job_id}" for part in _OF_ONE_JOB))

    def snapshot(self) -> Iterator[dict[str, Any]]:
        """Everything that is worth keeping, key by key; what belongs to one job is read at one moment.

        Jobs and lists may be of different moments: who loads it puts each job into the lists of its status.
        """
        ids = sorted(self.ids_of("job"))
        for start in range(0, len(ids), _SNAPSHOT_PAGE):
            page = ids[start : start + _SNAPSHOT_PAGE]
            keys = [f"{PREFIX}{part}:{job_id}" for job_id in page for part in _OF_ONE_JOB]
            with store_errors(self._outage):
                pipeline = self._redis.pipeline(transaction=True)
                for key in keys:
                    _READ["hash" if key.startswith(f"{PREFIX}job:") else "stream"](pipeline, key)
                values: list[Any] = pipeline.execute()
            for key, value in zip(keys, values, strict=True):
                if value:
                    kind = "hash" if isinstance(value, dict) else "stream"
                    yield {"key": key, "type": kind, "value": value, "expires_at": None}
        with store_errors(self._outage):
            others = sorted(set(self._redis.scan_iter(match=f"{PREFIX}*", count=1000)))
        passing = tuple(f"{PREFIX}{name}" for name in (*_OF_ONE_JOB_PREFIXES, *_PASSING))
        yield from self.entries(key for key in others if not key.startswith(passing))

    def load(self, entries: Iterable[Mapping[str, Any]]) -> int:
        """Write what `snapshot` gave into a store that has none of it; returns the number of keys."""
        count = 0
        for entry in entries:
            key, expires_at = str(entry["key"]), entry.get("expires_at")
            if not key.startswith(PREFIX) or entry["type"] not in _WRITE:
                continue
            with store_errors(self._outage):
                pipeline = self._redis.pipeline(transaction=True)
                _WRITE[str(entry["type"])](pipeline, key, entry["value"])
                if expires_at:
                    pipeline.pexpireat(key, int(expires_at))
                pipeline.execute()
            count += 1
        return count

    def clear(self) -> None:
        """Drop every key of ours."""
        with store_errors(self._outage):
            for key in list(self._redis.scan_iter(match=f"{PREFIX}*", count=1000)):
                self._redis.unlink(key)

    def entries(self, keys: Iterable[str]) -> Iterator[dict[str, Any]]:
        """`{key, type, value, expires_at}` of each key that is there; `expires_at` in ms or None."""
        for key in keys:
            with store_errors(self._outage):
                kind = str(self._redis.type(key))
                if kind in _READ:
                    pipeline = self._redis.pipeline(transaction=True)
                    pipeline.pttl(key)  # when it expires, Redis 6.2 does not say
                    _READ[kind](pipeline, key)
                    left_ms, value = pipeline.execute()
                    expires_at = round(time.time() * 1000) + left_ms if left_ms > 0 else None
                    yield {"key": key, "type": kind, "value": _plain(value), "expires_at": expires_at}


_READ: Mapping[str, Any] = {
    "string": lambda pipeline, key: pipeline.get(key),
    "hash": lambda pipeline, key: pipeline.hgetall(key),
    "list": lambda pipeline, key: pipeline.lrange(key, 0, -1),
    "set": lambda pipeline, key: pipeline.smembers(key),
    "zset": lambda pipeline, key: pipeline.zrange(key, 0, -1, withscores=True),
    "stream": lambda pipeline, key: pipeline.xrange(key),
}


def _add_stream(pipeline: Any, key: str, events: list[list[Any]]) -> None:
    for event_id, fields in events:
        pipeline.xadd(key, fields, id=event_id)


_WRITE: Mapping[str, Any] = {
    "string": lambda pipeline, key, value: pipeline.set(key, value),
    "hash": lambda pipeline, key, value: pipeline.hset(key, mapping=value),
    "list": lambda pipeline, key, value: pipeline.rpush(key, *value),
    "set": lambda pipeline, key, value: pipeline.sadd(key, *value),
    "zset": lambda pipeline, key, value: pipeline.zadd(key, dict(value)),
    "stream": _add_stream,
}


def _plain(value: Any) -> Any:
    """As JSON can have it."""
    return sorted(value) if isinstance(value, set) else value
