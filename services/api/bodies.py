"""The body of a request while it arrives: read by the server's loop, and by a thread as a file."""

import asyncio
import io
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from werkzeug.exceptions import ClientDisconnected

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

PATIENCE_SECONDS = 30.0
SLOWEST_BYTES_PER_SECOND = 100  # on average, once the patience is over


class IncomingBody(io.RawIOBase):
    """A body that comes in pieces. The loop awaits `first_part`; a thread then reads the whole as a file."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._loop = asyncio.get_running_loop()
        self._began = time.monotonic()
        self._arrived = bytearray()
        self._arrived_bytes = 0
        self.is_whole = False
        self.broke_off = False

    async def first_part(self, most_bytes: int) -> None:
        """Wait until the body is whole, has `most_bytes`, or broke off: a slow sender costs no thread."""
        while len(self._arrived) < most_bytes and not (self.is_whole or self.broke_off):
            await self._more()

    async def _more(self) -> None:
        message = await self._receive()
        if message["type"] != "http.request":
            self.broke_off = True
            return
        piece = message.get("body", b"")
        self._arrived += piece
        self._arrived_bytes += len(piece)
        self.is_whole = not message.get("more_body", False)
        seconds = time.monotonic() - self._began
        self.broke_off = (
            not self.is_whole
            and seconds > PATIENCE_SECONDS
            and self._arrived_bytes < seconds * SLOWEST_BYTES_PER_SECOND
        )

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """In a thread. Raises `ClientDisconnected` when the sender went away or silent."""
        while not self._arrived:
            if self.broke_off:
                raise ClientDisconnected
            if self.is_whole:
                return 0
            asyncio.run_coroutine_threadsafe(self._more(), self._loop).result()
        count = min(len(buffer), len(self._arrived))
        buffer[:count] = self._arrived[:count]
        del self._arrived[:count]
        return count
