"""The worker's `/metrics` port: answers whoever may ask, and gives up who says nothing."""

import socket
import threading
from collections.abc import Iterable
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from shared.loopback import may_ask

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

REFUSED = b"These metrics are for this machine alone; ask for 127.0.0.1 or localhost.\n"


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Asked(WSGIRequestHandler):
    timeout = 10  # seconds of silence

    def log_message(self, format: str, *args: object) -> None:
        """Scrapes are not worth a line."""


def serve_metrics(metrics: "WSGIApplication", host: str, port: int) -> WSGIServer:
    """Serve `metrics` from a daemon thread. Raises OSError when the port is taken."""

    def guarded(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if may_ask(environ.get("HTTP_HOST", ""), listens_on=host):
            return metrics(environ, start_response)
        start_response("400 Bad Request", [("Content-Type", "text/plain")])
        return [REFUSED]

    server = make_server(host, port, guarded, _Server6 if ":" in host else _Server, handler_class=_Asked)
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server
