"""The API as gunicorn serves it: `gunicorn -c services/api/gunicorn.conf.py services.api.asgi:app`.

All pages are Flask's. What streams for hours (live events) belongs beside it, here, where it needs no thread.
"""

from collections.abc import Awaitable, Callable

from services.api.bodies import Message, Receive
from services.api.bridge import Bridge
from services.api.file_routes import FORM_OVERHEAD_BYTES
from services.api.request_target import in_origin_form
from services.api.wsgi import app as flask_app
from services.api.wsgi import keys, settings

PROBES = ("/healthz",)


def kind_of(scope: Message) -> str:
    """Which of the bridge's threads a request takes: one that computes keeps none of another kind waiting."""
    if scope["path"] in PROBES or (scope.get("server") or ("", 0))[1] == settings.api_metrics_port:
        return "probe"
    return "read" if scope["method"] in ("GET", "HEAD") else "write"


def refuses(scope: Message) -> bool:
    """Whether the head alone is refused: no key, or a body announced that is longer than any allowed."""
    headers = dict(scope["headers"])
    length = headers.get(b"content-length", b"0")
    if int(length) > settings.max_upload_bytes + FORM_OVERHEAD_BYTES:
        return True
    return not keys.opens(headers.get(b"authorization", b"").decode("latin-1"))


_bridge = Bridge(flask_app.wsgi_app, kind_of, refuses)


async def app(scope: Message, receive: Receive, send: Callable[[Message], Awaitable[None]]) -> None:
    """One connection's request, or the server's start and end."""
    if scope["type"] == "http":
        await _bridge(in_origin_form(scope), receive, send)
    elif scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1000})
    else:
        await _live(receive, send)


async def _live(receive: Receive, send: Callable[[Message], Awaitable[None]]) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    _bridge.close()
    await send({"type": "lifespan.shutdown.complete"})
