"""The API as gunicorn serves it: `gunicorn -c services/api/gunicorn.conf.py services.api.asgi:app`.

All pages are Flask's. Of live events it checks the request and answers the head; the stream itself runs here,
for hours, without a thread.
"""

import asyncio

from services.api.bodies import Message, Receive, Send
from services.api.bridge import Bridge
from services.api.connections import END_STREAMS
from services.api.file_routes import FORM_OVERHEAD_BYTES
from services.api.request_target import in_origin_form
from services.api.session import check_request
from services.api.wsgi import app as flask_app
from services.api.wsgi import keys, settings, streams, webhooks
from shared.errors import Refusal

PROBES = ("/healthz",)
SESSION = "/session"  # where a browser sends the key
EVENT_STREAM = b"text/event-stream"


def kind_of(scope: Message) -> str:
    """Which of the bridge's threads a request takes: one that computes keeps none of another kind waiting."""
    if scope["path"] in PROBES or (scope.get("server") or ("", 0))[1] == settings.api_metrics_port:
        return "probe"
    if scope["method"] not in ("GET", "HEAD"):
        return "write"
    return "stream" if dict(scope["headers"]).get(b"accept", b"").startswith(EVENT_STREAM) else "read"


def refuses(scope: Message) -> bool:
    """Whether the head alone is refused: from nobody known, or with a body longer than any allowed."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    is_session = scope["path"].startswith(SESSION)
    longest = FORM_OVERHEAD_BYTES + (0 if is_session else settings.max_upload_bytes)
    if int(headers.get("content-length", "0")) > longest:
        return True
    if is_session:
        return False
    try:
        check_request(keys, scope["method"], headers.get)
    except Refusal:
        return True
    return False


_bridge = Bridge(flask_app.wsgi_app, kind_of, refuses, streams.serve)


async def app(scope: Message, receive: Receive, send: Send) -> None:
    """One connection's request, or the server's start and end."""
    if scope["type"] == "http":
        await _bridge(in_origin_form(scope), receive, send)
    elif scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1000})
    else:
        await _live(scope, receive, send)


async def _live(scope: Message, receive: Receive, send: Send) -> None:
    await receive()
    scope["state"][END_STREAMS] = streams.end_all
    streams.begin()
    webhooks.start()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await asyncio.to_thread(webhooks.stop)
    await streams.close()
    _bridge.close()
    await send({"type": "lifespan.shutdown.complete"})
