"""The store's events while they happen, for asyncio: those of all jobs in one order, and the history of one.

Every change that appends an event to its job's own stream appends it to the stream of all jobs, too. That one
is short, so a place in it may be gone; a job's history is whole as long as its streams and journals are.
"""

from dataclasses import dataclass, field
from typing import Any, Self

import redis.asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff
from redis.exceptions import ConnectionError as ConnectionBroken

from shared.job_reader import PREFIX, job_key
from shared.job_records import JournalRun, event_order, runs_of
from shared.schemas.fields import JobStatus
from shared.store_link import RECONNECT_SECONDS

LIVE = f"{PREFIX}live"
BEGINNING = "0-0"
CONNECTIONS = 8
CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 5.0  # longer than any wait for news
POOL_SECONDS = 5.0  # for a connection that is in use

Id = tuple[int, int]
Row = tuple[str, dict[str, str]]


@dataclass(frozen=True, slots=True)
class LiveEvent:
    """One event as the store has it. `place`: its id in the order of all jobs; `status`: the job's after it.

    `cache` keeps what was made of it for one listener, for all others alike.
    """

    place: str
    job_id: str
    id: str
    status: JobStatus
    fields: dict[str, str]
    cache: dict[Any, bytes] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, row: Row) -> Self:
        place, fields = row
        about: Any = {name: fields[name] for name in ("id", "status")}
        return cls(place, fields["job"], about["id"], about["status"], fields)


@dataclass(frozen=True)
class StoredHistory:
    """The oldest of a job's events that the store keeps above some id, and which ids the journals have.

    `status`: the job's at the same moment; None where the store has no such job.
    """

    status: JobStatus | None
    events: dict[Id, dict[str, str]]
    runs: tuple[JournalRun, ...]


class LiveStore:
    """Reads events through a few connections of its own. Every call may raise `redis.RedisError`."""

    def __init__(self, url: str) -> None:
        """Connects lazily, in the event loop that asks first; `url` is the store's."""
        self._url = url
        self._clients: dict[int, redis.Redis] = {}

    @property
    def _redis(self) -> Any:
        """For questions, which may be asked twice."""
        return self._client(CONNECTIONS, tries=1)

    @property
    def _waiting(self) -> Any:
        """For who waits for news: a lost connection is an error, since the store may have lost more."""
        return self._client(1, tries=0)

    def _client(self, connections: int, *, tries: int) -> redis.Redis:
        if connections not in self._clients:
            pool = redis.BlockingConnectionPool.from_url(
                self._url,
                max_connections=connections,
                timeout=POOL_SECONDS,
                protocol=2,  # in which a stream's entries are a plain list
                decode_responses=True,
                socket_timeout=ANSWER_SECONDS,
                socket_connect_timeout=CONNECT_SECONDS,
                retry=Retry(ConstantBackoff(RECONNECT_SECONDS), tries, (ConnectionBroken,)),
            )
            self._clients[connections] = redis.Redis(connection_pool=pool)
        return self._clients[connections]

    async def edges(self) -> tuple[str | None, str | None]:
        """The places of the oldest and the newest event of all jobs; None where there is none."""
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.xrange(LIVE, count=1)
            pipeline.xrevrange(LIVE, count=1)
            oldest, newest = await pipeline.execute()
        return (oldest[0][0] if oldest else None), (newest[0][0] if newest else None)

    async def after(self, place: str, count: int) -> tuple[str | None, list[LiveEvent]]:
        """(the oldest place that is kept, the first `count` events of all jobs after `place`)."""
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.xrange(LIVE, count=1)
            pipeline.xrange(LIVE, min=f"({place}", count=count)
            oldest, rows = await pipeline.execute()
        return (oldest[0][0] if oldest else None), [LiveEvent.of(row) for row in rows]

    async def news(self, place: str, count: int, *, wait_seconds: float) -> list[LiveEvent]:
        """The first `count` events of all jobs after `place`; waits for one, and is empty if none comes."""
        found = await self._waiting.xread({LIVE: place}, count=count, block=int(wait_seconds * 1000))
        return [LiveEvent.of(row) for _, rows in found or () for row in rows]

    async def history(self, job_id: str, after: Id, count: int) -> StoredHistory:
        """Of job `job_id`: the oldest `count` events after `after` of each place where the store has some."""
        oldest = f"({after[0]}-{after[1]}"
        async with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.hmget(job_key(job_id), "status", "journal_runs")
            for stream in ("events", "tail"):
                pipeline.xrange(f"{PREFIX}{stream}:{job_id}", min=oldest, count=count)
            (status, runs), *streams = await pipeline.execute()
        rows = {event_order(event_id): fields for stream in streams for event_id, fields in stream}
        return StoredHistory(status, rows, runs_of(runs))

    async def newest_of(self, job_id: str) -> Id:
        """The id of the job's newest event; (0, 0) where there is none."""
        async with self._redis.pipeline(transaction=True) as pipeline:
            for stream in ("events", "tail"):
                pipeline.xrevrange(f"{PREFIX}{stream}:{job_id}", count=1)
            streams = await pipeline.execute()
        return max((event_order(rows[0][0]) for rows in streams if rows), default=(0, 0))

    async def close(self) -> None:
        for client in self._clients.values():
            await client.aclose(close_connection_pool=True)
        self._clients.clear()
