"""What a listener to all jobs is told: the events after the last one it has, then those that happen."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence

from redis.exceptions import RedisError

from services.api.live import frames
from services.api.live.hub import Hub, Listener
from services.api.live.of_job import HEARTBEAT_SECONDS, RETRY_SECONDS
from services.api.live.order import StreamOrder
from shared.job_records import event_order
from shared.live_events import BEGINNING, LiveEvent, LiveStore

PAGE = 200


class AllTold:
    """Each event once, in the order in which they happened; it ends with its listener alone."""

    def __init__(self, order: StreamOrder, hub: Hub, listener: Listener, store: LiveStore) -> None:
        self.count = 0  # of the events that were told
        self._order, self._hub, self._listener, self._store = order, hub, listener, store
        self._last = order.after or BEGINNING

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """Bytes of the stream, to the end of the listener."""
        while not (await self._hub.has_begun(RETRY_SECONDS) or self._listener.over):
            yield frames.STORE_IS_SILENT
        if self._order.after is None:
            self._last = self._hub.place or BEGINNING
            yield frames.place(self._last)  # who is cut off before the first event comes back with it
        else:
            async for piece in self._history():
                yield piece
        while not self._listener.over:
            events = await self._listener.take(HEARTBEAT_SECONDS)
            if piece := self._written(events):
                yield piece
            elif not events:
                yield frames.STORE_IS_SILENT if self._hub.is_silent else frames.HEARTBEAT

    async def _history(self) -> AsyncIterator[bytes]:
        """What the store keeps after `_last`, and whether that is all; waits for a store that is away."""
        is_placed, is_last = False, False
        while not (is_last or self._listener.over):
            try:
                if not is_placed:
                    yield await self._from_place()
                    is_placed = True
                oldest, events = await self._store.after(self._last, PAGE)
            except (RedisError, OSError):
                yield frames.STORE_IS_SILENT
                await self._listener.rest(RETRY_SECONDS)
                continue
            if self.count and oldest and event_order(oldest) > event_order(self._last):
                yield frames.gap(None, self._last, None)  # trimmed meanwhile
            is_last = len(events) < PAGE
            yield self._written(events)

    async def _from_place(self) -> bytes:
        """A place that is gone, or of another history, before a backup was restored, say: a gap."""
        oldest, newest = await self._store.edges()
        if self._last == BEGINNING:
            return b""
        after, at = self._last, event_order(self._last)
        if newest is None or at > event_order(newest):
            self._last = newest or BEGINNING
        elif oldest and at >= event_order(oldest):
            return b""
        return frames.gap(None, after, None)

    def _written(self, events: Sequence[LiveEvent]) -> bytes:
        new = [event for event in events if event_order(event.place) > event_order(self._last)]
        if new:
            self._last = new[-1].place
        self.count += len(new)
        return b"".join(frames.live_frame(event, self._order) for event in new)
