"""What a listener to one job is told: its history, then its events as they happen, then its end."""

from collections.abc import AsyncGenerator, AsyncIterator, Iterable

from redis.exceptions import RedisError

from services.api.live import frames
from services.api.live.history import Histories, HistoryPage
from services.api.live.hub import Hub, Listener
from services.api.live.order import StreamOrder
from shared.event_log import Id
from shared.job_records import event_order
from shared.jobs import TERMINAL
from shared.live_events import LiveEvent
from shared.schemas.fields import JobStatus

HEARTBEAT_SECONDS = 15.0
RETRY_SECONDS = 2.0
NOTHING: Id = (0, 0)


class JobTold:
    """Each event once and in order; the numbers of a job's events have no gap, so that none is missed."""

    def __init__(self, order: StreamOrder, hub: Hub, listener: Listener, histories: Histories) -> None:
        assert order.job_id
        self.count = 0  # of the events that were told
        self._order, self._job_id = order, order.job_id
        self._hub, self._listener, self._histories = hub, listener, histories
        self._last = event_order(order.after) if order.after else NOTHING
        self._ended = False

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """Bytes of the stream, to the end of the job or of the listener."""
        while not (await self._hub.has_begun(RETRY_SECONDS) or self._listener.over):
            yield frames.STORE_IS_SILENT
        async for piece in self._from_place():
            yield piece
        async for piece in self._history():
            yield piece
        while not (self._ended or self._listener.over):
            events = await self._listener.take(HEARTBEAT_SECONDS)
            async for piece in self._live(events) if events else self._quiet():
                yield piece

    async def _from_place(self) -> AsyncIterator[bytes]:
        """An event that the job never had is of another history, before a backup was restored, say."""
        while self._last != NOTHING and not self._listener.over:
            try:
                newest = await self._histories.newest(self._job_id)
            except (RedisError, OSError):
                yield frames.STORE_IS_SILENT
                await self._listener.rest(RETRY_SECONDS)
                continue
            if self._last > newest:
                yield frames.gap(self._job_id, self._order.after, None)
                self._last = NOTHING
            return

    async def _history(self) -> AsyncIterator[bytes]:
        """All that is kept after the last event that was told; waits for a store that is away."""
        after, is_last = self._last, False
        while not (is_last or self._ended or self._listener.over):
            try:
                page = await self._histories.page(self._job_id, after)
            except (RedisError, OSError):
                yield frames.STORE_IS_SILENT
                await self._listener.rest(RETRY_SECONDS)
                continue
            after, is_last = page.end or after, page.is_last
            if piece := b"".join(self._written(page)):
                yield piece

    def _written(self, page: HistoryPage) -> Iterable[bytes]:
        for event in page.events:
            yield from self._up_to(event_order(event.id), missing_before=1)
            yield frames.job_frame(self._job_id, event)
            self.count += 1
        if page.is_last and page.end:
            yield from self._up_to(page.end, missing_before=0)
        if page.is_last and (page.status is None or page.status in TERMINAL):
            yield self._end(page.status)

    def _up_to(self, event_id: Id, *, missing_before: int) -> Iterable[bytes]:
        """Go on to `event_id`; what lies between is kept nowhere."""
        if (missing := event_id[1] - self._last[1] - missing_before) > 0:
            yield frames.gap(self._job_id, f"{self._last[0]}-{self._last[1]}", missing)
        self._last = event_id

    async def _live(self, events: Iterable[LiveEvent]) -> AsyncIterator[bytes]:
        ready: list[bytes] = []
        for event in events:
            event_id = event_order(event.id)
            if event_id[1] > self._last[1] + 1:  # one did not come this way
                yield b"".join(ready)
                ready.clear()
                async for piece in self._history():
                    yield piece
            if self._ended:
                return
            if event_id > self._last:
                ready.append(frames.live_frame(event, self._order))
                self._last, self.count = event_id, self.count + 1
            if event.status in TERMINAL:
                ready.append(self._end(event.status))
                break
        if ready:
            yield b"".join(ready)

    async def _quiet(self) -> AsyncIterator[bytes]:
        """Nothing came for a while: say that we live, and look whether the job is still there."""
        yield frames.STORE_IS_SILENT if self._hub.is_silent else frames.HEARTBEAT
        async for piece in self._history():
            yield piece

    def _end(self, status: JobStatus | None) -> bytes:
        self._ended = True
        return frames.end(self._job_id, status)
