"""Streams of live events: functions of the event loop, without any thread that answers requests."""

import asyncio
import logging
import time
from contextlib import aclosing
from pathlib import Path
from typing import Any

from services.api.bodies import Message, Receive, Send
from services.api.live import frames
from services.api.live.history import Histories
from services.api.live.hub import Hub, Listener
from services.api.live.of_all import AllTold
from services.api.live.of_job import JobTold
from services.api.live.order import StreamOrder
from services.api.metrics import StreamMetrics
from shared.live_events import LiveStore
from shared.messages.render import set_reader

MOST_STREAMS = 1000  # of each process, which takes twice as many connections

_log = logging.getLogger("tunedock.access")


class EventStreams:
    """All streams of this process."""

    def __init__(self, store_url: str, data_dir: Path) -> None:
        """Nothing is connected before somebody listens."""
        self._store = LiveStore(store_url)
        self._hub = Hub(self._store)
        self._histories = Histories(self._store, data_dir)
        self._open = StreamMetrics()

    def begin(self) -> None:
        """To be called once, in the process that serves them."""
        self._open.begin()

    @property
    def are_full(self) -> bool:
        """Asked by threads before a stream begins, so a few more may."""
        return self._hub.count >= MOST_STREAMS

    async def serve(self, order: StreamOrder, receive: Receive, send: Send) -> None:
        """The body of an answer whose head is sent: it ends with the job, the client or the server."""
        with self._open.one(order.job_id):
            await self._serve(order, receive, send)

    async def _serve(self, order: StreamOrder, receive: Receive, send: Send) -> None:
        set_reader(order.language, order.naming)
        began, listener = time.monotonic(), self._hub.join(order.job_id)
        watcher = asyncio.create_task(_until_gone(receive, listener))
        told: JobTold | AllTold = (
            JobTold(order, self._hub, listener, self._histories)
            if order.job_id
            else AllTold(order, self._hub, listener, self._store)
        )
        try:
            await send(_part(frames.greeting()))
            async with aclosing(told.pieces()) as pieces:
                async for piece in pieces:
                    await send(_part(piece))
            listener.end("all is told")
            await send({"type": "http.response.body", "body": b""})
        finally:
            watcher.cancel()
            self._hub.leave(listener)
            fields = {
                "request_id": order.request_id,
                "job": order.job_id,
                "events": told.count,
                "seconds": round(time.monotonic() - began, 1),
                "why": listener.over or "cut off",
            }
            _log.info("stream ended", extra={"fields": fields})

    def end_all(self) -> None:
        """The server stops or is replaced: clients come back to its successor."""
        self._hub.close("the server stops")

    async def close(self) -> None:
        self._histories.close()
        await self._store.close()


async def _until_gone(receive: Receive, listener: Listener) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    listener.end("the client is gone")


def _part(piece: bytes) -> Message:
    message: dict[str, Any] = {"type": "http.response.body", "body": piece, "more_body": True}
    return message
