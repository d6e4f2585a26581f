"""Serves a WSGI application from an asyncio server: a thread works while there is work, and waits for nobody.

A request's body is awaited before the application is called, an answer's pieces are drawn one by one: slow
senders and slow readers cost a connection. Larger bodies are read while they arrive, in threads of their own.
"""

import asyncio
import functools
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from services.api.bodies import IncomingBody, Message, Receive, Send
from services.api.live.order import ORDER, StreamOrder

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

AWAITED_BYTES = 1024**2  # of a body, before a thread is taken for it
PIECE_BYTES = 256 * 1024  # of an answer, drawn at once
# Each kind of request waits for its own kind alone; `upload` is for bodies that are not there yet.
THREADS = {"probe": 2, "read": 8, "write": 6, "upload": 4, "stream": 2}
Stream = Callable[[StreamOrder, Receive, Send], Awaitable[None]]


@dataclass
class Answer:
    """What the application answered: status, headers, the first piece of its body and those still to come."""

    status: int
    headers: list[tuple[bytes, bytes]]
    piece: bytes
    pieces: Iterator[bytes]
    close: Callable[[], None]


class Bridge:
    """The WSGI application as an ASGI one, for HTTP alone.

    `kind_of` sorts a scope into THREADS; `refuses` says of a scope that its head alone is refused, so that
    nobody awaits its body. Where the application only checked a request and left an ORDER, its answer's head
    is sent, and `stream` sends the body from the loop, without a thread.
    """

    def __init__(
        self,
        application: "WSGIApplication",
        kind_of: Callable[[Message], str],
        refuses: Callable[[Message], bool],
        stream: Stream,
    ) -> None:
        self._application, self._kind_of, self._refuses = application, kind_of, refuses
        self._stream = stream
        self._pools = {
            kind: ThreadPoolExecutor(count, thread_name_prefix=kind) for kind, count in THREADS.items()
        }

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        body, is_refused = IncomingBody(receive), self._refuses(scope)
        if not is_refused:
            await body.first_part(AWAITED_BYTES)
        still_arrives = not (is_refused or body.is_whole or body.broke_off)
        pool = self._pools["upload" if still_arrives else self._kind_of(scope)]
        in_thread = functools.partial(asyncio.get_running_loop().run_in_executor, pool)
        environ = environment(scope, body)
        begun = in_thread(_begin, self._application, environ)
        try:
            answer = await begun
            start = {"type": "http.response.start", "status": answer.status, "headers": answer.headers}
            await send(start)
            if (order := environ.get(ORDER)) is not None and scope["method"] == "GET":
                await self._stream(order, receive, send)
                return
            piece = answer.piece
            while len(piece) >= PIECE_BYTES:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                piece = await in_thread(_next_piece, answer.pieces)
            await send({"type": "http.response.body", "body": piece})
        finally:  # also when the client is gone and this is cancelled
            begun.add_done_callback(_close)

    def close(self) -> None:
        for pool in self._pools.values():
            pool.shutdown(wait=False, cancel_futures=True)


def environment(scope: Message, body: IncomingBody) -> "WSGIEnvironment":
    """PEP 3333's view of an ASGI request."""
    server, client = scope.get("server") or ("", 0), scope.get("client") or ("", 0)
    environ: WSGIEnvironment = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope["raw_path"].split(b"?")[0]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": str(server[0]),
        "SERVER_PORT": str(server[1] or 0),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": str(client[0]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": body,
        "wsgi.input_terminated": True,  # it ends where the body does, chunked or not
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").upper().replace("-", "_"), raw_value.decode("latin-1")
        key = name if name in ("CONTENT_LENGTH", "CONTENT_TYPE") else f"HTTP_{name}"
        joint = "; " if name == "COOKIE" else ","
        environ[key] = f"{environ[key]}{joint}{value}" if key in environ else value
    return environ


def _begin(application: "WSGIApplication", environ: "WSGIEnvironment") -> Answer:
    """Call the application. It must start its answer before it returns, as Flask does."""
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        started.append((status, headers))
        return _no_write

    body: Iterable[bytes] = application(environ, start_response)
    status, headers = started[-1]
    encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    pieces = iter(body)
    close = getattr(body, "close", lambda: None)
    return Answer(int(status.split(" ", 1)[0]), encoded, _next_piece(pieces), pieces, close)


def _no_write(piece: bytes) -> None:
    raise NotImplementedError("answers are iterables here")


def _next_piece(pieces: Iterator[bytes]) -> bytes:
    """The next PIECE_BYTES or a little more; fewer at the end."""
    drawn: list[bytes] = []
    size = 0
    while size < PIECE_BYTES:
        piece = next(pieces, None)
        if piece is None:
            break
        drawn.append(piece)
        size += len(piece)
    return b"".join(drawn)


def _close(done: "asyncio.Future[Answer]") -> None:
    if not done.cancelled() and done.exception() is None:
        done.result().close()
