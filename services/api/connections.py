"""The API's connections: one that is idle, half-sent or not read costs no thread and is closed after a while.

gunicorn's asyncio worker waits for ever for the head of a first request and on a client that does not read,
and its connections have no limit. These are its own classes with those limits added.
"""

import asyncio
import functools
import json
import logging
import sys
import time
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from gunicorn.asgi.protocol import ASGIProtocol
from gunicorn.workers import gasgi

from services.api.errors import MEDIA_TYPE, new_request_id, problem_fields
from services.api.framing import framing_fault
from shared.errors import MalformedRequest
from shared.messages.message import say
from shared.messages.render import in_english, shown

HEAD_SECONDS = 10.0  # from accepting a connection to the end of its first request's head
SILENCE_SECONDS = 30.0  # a client that takes nothing of its answer for so long is given up
LINGER_SECONDS = 2.0  # a refused sender still sends: what comes is dropped, so that it can read why
LINGER_BYTES = 8 * 1024**2
LAST_REQUESTS = 100  # of a process that will be replaced: each connection in use ends with one of them
LAST_WAIT_SECONDS = 1.0  # for a request, of a connection to a process that ends
END_STREAMS = "end_streams"  # in the application's state: what ends the answers that have no end of their own

_log = logging.getLogger("tunedock.access")


class Connection(ASGIProtocol):  # type: ignore[misc]
    """One connection, from its accept to its close."""

    def __init__(self, worker: "ConnectionWorker") -> None:
        super().__init__(worker)
        self._head_timer: asyncio.TimerHandle | None = None
        self._was_heard = self._heard_all = False
        self._lingered_bytes: int | None = None
        self._unwritten_bytes = 0
        self._is_watched = False

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._head_timer = self.worker.loop.call_later(HEAD_SECONDS, self._head_is_late)
        self.worker.begin_waiting(self)

    def _on_headers_complete(self) -> bool:
        self._end_waiting()
        return bool(super()._on_headers_complete())

    def _arm_keepalive_timer(self) -> None:
        super()._arm_keepalive_timer()
        self.worker.begin_waiting(self)

    def _head_is_late(self) -> None:
        if self._was_heard:
            self._send_error_response(408, in_english(say("head-is-late", limit_seconds=HEAD_SECONDS)))
        self.give_up()

    def _end_waiting(self) -> None:
        self.worker.waiting.pop(self, None)
        if self._head_timer:
            self._head_timer.cancel()
            self._head_timer = None

    def give_up(self) -> None:
        """Close a connection that waits for a request's head."""
        self._end_waiting()
        self._close_transport()
        self._request_ready.set()  # its task sees that it is closed

    def data_received(self, data: bytes) -> None:
        self._was_heard = True
        if self._lingered_bytes is None:
            super().data_received(data)
            return
        self._lingered_bytes += len(data)
        if self._lingered_bytes > LINGER_BYTES:
            self.transport.abort()

    def eof_received(self) -> bool:
        """The client has sent all it will; True keeps our side open for the answer."""
        if self in self.worker.waiting or self._lingered_bytes is not None or self._body_receiver is None:
            return False
        self._heard_all = True
        self._keepalive = 0
        if not self._body_receiver._complete:
            self._body_receiver.signal_disconnect()
        return True

    def _feed_callback_parser(self, data: bytes) -> bool:
        try:
            return bool(super()._feed_callback_parser(data))
        except Exception:  # what the parser itself did not foresee, such as a length of 5,000 digits
            self._send_error_response(400, shown(say("head-unforeseen")))
            self._close_transport()
            return False

    def _send_error_response(self, status: int, message: str, extra_headers: Any = ()) -> None:
        """A request that never reached the application is refused like every other."""
        refusal = MalformedRequest(framing_fault(sys.exception(), message or HTTPStatus(status).phrase))
        refusal.status = status
        request_id = new_request_id()
        body = json.dumps(problem_fields(refusal, request_id)).encode()
        head = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Type: {MEDIA_TYPE}\r\n"
            f"Content-Length: {len(body)}\r\nx-request-id: {request_id}\r\nCache-Control: no-store\r\n"
            "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
        )
        level = logging.DEBUG if status == 408 else logging.INFO
        fields = {"request_id": request_id, "status": status, "why": message}
        _log.log(level, "request refused", extra={"fields": fields})
        self._safe_write(head.encode() + body)

    def _will_close(self, request: Any, response_requires_close: bool) -> bool:
        """Say so in the answer's head, else a client may send its next request into the closing.

        gunicorn closes after an answer to a body that it has not read to its end, and a process that has
        answered its share of requests closes all it has: who asks again within its last ones is told.
        """
        receiver, worker = self._body_receiver, self.worker
        return (
            (receiver is not None and not receiver._complete)
            or worker.nr + LAST_REQUESTS >= worker.max_requests
            or bool(super()._will_close(request, response_requires_close))
        )

    def _close_transport(self) -> None:
        """Close; a sender in the midst of a body is heard a little longer, else the answer could be lost."""
        receiver = self._body_receiver
        if self._closed or self.transport is None:
            return
        is_heard = self._heard_all or receiver is None or receiver._complete
        if is_heard or self.transport.is_closing():
            super()._close_transport()
            self.transport.close()  # which the other leaves out when the client is gone already
            self.watch_writing()
            return
        self._closed: bool = True
        self._lingered_bytes = 0
        self.worker.loop.call_later(LINGER_SECONDS, self.transport.abort)
        self._resume_reading()
        with suppress(OSError):  # the client is gone already
            self.transport.write_eof()

    def pause_writing(self) -> None:
        super().pause_writing()
        self.watch_writing()

    def watch_writing(self) -> None:
        """See to it that the client takes what was written, however slowly."""
        self._unwritten_bytes = self.transport.get_write_buffer_size()
        if self._unwritten_bytes and not self._is_watched:
            self._is_watched = True
            self.worker.loop.call_later(SILENCE_SECONDS, self._check_writing)

    def _check_writing(self) -> None:
        self._is_watched = False
        before, left = self._unwritten_bytes, self.transport.get_write_buffer_size()
        if left and left >= before:
            self.transport.abort()
        elif left:
            self.watch_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end_waiting()
        super().connection_lost(exc)


class ConnectionWorker(gasgi.ASGIWorker):  # type: ignore[misc]
    """gunicorn's asyncio worker with `Connection`s; the longest idle one goes when there are too many."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.waiting: dict[Connection, float] = {}  # since when, oldest first

    def _setup_event_loop(self) -> None:
        """asyncio would let 100 new connections wait; gunicorn's setting is made for bursts."""
        super()._setup_event_loop()
        self.loop.create_server = functools.partial(self.loop.create_server, backlog=self.cfg.backlog)

    def begin_waiting(self, connection: Connection) -> None:
        """`connection` waits for the head of a request."""
        self.waiting.pop(connection, None)
        self.waiting[connection] = time.monotonic()
        if self.nr_conns > self.worker_connections:
            next(iter(self.waiting)).give_up()

    async def _shutdown(self) -> None:
        for server in self.servers:
            server.close()
        self.state.get(END_STREAMS, lambda: None)()
        ending = asyncio.ensure_future(self._end_idle())
        await super()._shutdown()
        ending.cancel()

    async def _end_idle(self) -> None:
        """Close what asks for nothing while the last answers end; say that this is no hung process.

        A request may be on its way on a connection that was made or answered only now.
        """
        while True:
            for connection, since in list(self.waiting.items()):
                if time.monotonic() - since >= LAST_WAIT_SECONDS:
                    connection.give_up()
            self.notify()
            await asyncio.sleep(LAST_WAIT_SECONDS / 4)


gasgi.ASGIProtocol = Connection  # its worker makes them by this name
