"""Who listens in this process, and the one reader of the store that tells them all.

The order in which nothing is lost: a listener joins, waits until the reader has begun, and only then reads
what happened before; events that come twice are told apart by their ids.
"""

import asyncio
import logging
from collections import deque
from contextlib import suppress

from redis.exceptions import RedisError

from shared.job_records import event_order
from shared.live_events import BEGINNING, LiveEvent, LiveStore

MOST_WAITING = 500  # events of one listener; one that is slower is cut off, and comes back
BATCH = 500
NEWS_SECONDS = 2.0
RETRY_SECONDS = (0.25, 0.5, 1.0, 2.0)

_log = logging.getLogger(__name__)


class Listener:
    """One open stream. `over` says why it is to end, once it is."""

    def __init__(self, job_id: str | None) -> None:
        """`job_id`: None listens to all jobs."""
        self.job_id = job_id
        self.over: str | None = None
        self._events: deque[LiveEvent] = deque()
        self._news = asyncio.Event()

    def put(self, event: LiveEvent) -> None:
        if len(self._events) >= MOST_WAITING:
            self.end("its reader is too slow")
            return
        self._events.append(event)
        self._news.set()

    def end(self, why: str) -> None:
        self.over = self.over or why
        self._news.set()

    async def take(self, seconds: float) -> list[LiveEvent]:
        """What has come; waits for it, and is empty after `seconds` or when the stream is over."""
        if not self._events:
            await self.rest(seconds)
        taken = list(self._events)
        self._events.clear()
        return taken

    async def rest(self, seconds: float) -> None:
        """Wait for `seconds`, or until something comes or the stream is over."""
        if self.over:
            return
        self._news.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()


class Hub:
    """All listeners of this process; it reads the store only while there are some."""

    def __init__(self, store: LiveStore) -> None:
        self._store = store
        self._listeners: dict[str | None, set[Listener]] = {}
        self._reading: asyncio.Task[None] | None = None
        self._closed_for: str | None = None
        self._begun = asyncio.Event()
        self.place: str | None = None  # of the last event that was passed on, in the order of all jobs
        self.is_silent = False  # the store, when it was last asked
        self.count = 0

    def join(self, job_id: str | None) -> Listener:
        listener = Listener(job_id)
        self._listeners.setdefault(job_id, set()).add(listener)
        self.count += 1
        if self._closed_for:
            listener.end(self._closed_for)
        elif self._reading is None:
            self._reading = asyncio.create_task(self._read())
        return listener

    def leave(self, listener: Listener) -> None:
        members = self._listeners[listener.job_id]
        members.remove(listener)
        self.count -= 1
        if not members:
            del self._listeners[listener.job_id]

    async def has_begun(self, seconds: float) -> bool:
        """Whether from now on every event reaches who has joined; waits for it so long."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._begun.wait()
        return self._begun.is_set()

    def end_all(self, why: str) -> None:
        for members in self._listeners.values():
            for listener in members:
                listener.end(why)

    def close(self, why: str) -> None:
        """End all streams, and those that still come at once."""
        self._closed_for = why
        self.end_all(why)

    async def _read(self) -> None:
        """Until nobody listens; whatever the store does, it is asked again."""
        tries = 0
        try:
            while self._listeners:
                try:
                    await self._begin()
                    tries = 0
                    while self._listeners:
                        await self._pass_on()
                except (RedisError, OSError) as error:
                    if not self.is_silent:
                        _log.warning("no live events from the job store: %s", error)
                    self.is_silent = True
                    await asyncio.sleep(RETRY_SECONDS[min(tries, len(RETRY_SECONDS) - 1)])
                    tries += 1
        except Exception:
            _log.exception("the reader of live events failed")
            self.end_all("the reader failed")
        finally:
            self._reading, self.place = None, None
            self._begun.clear()

    async def _begin(self) -> None:
        """Find the place to read on from; after an outage, whether nothing in between is gone."""
        oldest, newest = await self._store.edges()
        if self.is_silent:
            _log.info("live events come from the job store again")
        self.is_silent = False
        if self.place is not None and not _goes_on(self.place, oldest, newest):
            self.end_all("the store has lost what was between")
            self.place = None
        if self.place is None:
            self.place = newest or BEGINNING
        self._begun.set()

    async def _pass_on(self) -> None:
        assert self.place is not None
        events = await self._store.news(self.place, BATCH, wait_seconds=NEWS_SECONDS)
        if len(events) == BATCH:  # as many as may be trimmed before they are read
            oldest, _ = await self._store.edges()
            if oldest is None or event_order(oldest) > event_order(self.place):
                self.end_all("the store has trimmed what was between")
        for event in events:
            for listener in (*self._listeners.get(event.job_id, ()), *self._listeners.get(None, ())):
                listener.put(event)
        if events:
            self.place = events[-1].place


def _goes_on(place: str, oldest: str | None, newest: str | None) -> bool:
    """Whether the store still has all that came after `place`, and is the store that had it."""
    if oldest is None or newest is None:
        return place == BEGINNING
    return event_order(oldest) <= event_order(place) <= event_order(newest)
