"""Makes the Flask application: its routes, and what happens before and after every request."""

import logging
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask, Response, g, request
from prometheus_client import CONTENT_TYPE_LATEST

from services.api.auth import KeyRing, load_keys
from services.api.desk.routes import PAGES, bind_desk
from services.api.docs import add_docs
from services.api.errors import new_request_id, register_errors
from services.api.metrics import HttpMetrics, metrics_text
from services.api.openapi import openapi_document
from services.api.page_kit.places import Places
from services.api.routes import ROUTES, ROUTES_BY_GROUP
from services.api.routing import bind
from services.api.service import Service
from services.api.session import check_request
from services.api.uploads import FileShelf
from shared.durable import make_folder
from shared.errors import MalformedRequest
from shared.job_store import JobStore
from shared.loopback import is_near, may_ask
from shared.messages.catalog import DEFAULT_LANGUAGE, languages
from shared.messages.message import say
from shared.messages.render import in_english, set_reader
from shared.settings import Settings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

JSON_LIMIT_BYTES = 1024**2
FOR_THIS_MACHINE = say("for-this-machine-alone")
QUIET_PATHS = ("/healthz", "/readyz")

_log = logging.getLogger("tunedock.access")


def create_app(
    settings: Settings,
    store: JobStore,
    ring: Callable[[str], None],
    *,
    keys: KeyRing | None = None,
    streams_are_full: Callable[[], bool] = bool,
    metrics_folder: Path | None = None,
) -> Flask:
    """The API over `store`. `ring` wakes the worker; `metrics_folder` is shared by the server's processes.

    `keys`: those of the installation where None. Raises ValueError when the keys file is of no use.
    """
    make_folder(settings.data_dir)
    files = FileShelf(
        settings.data_dir / "files",
        limit_bytes=settings.max_upload_bytes,
        reserve_bytes=settings.min_free_bytes,
    )
    service = Service(settings, store, ring, keys or load_keys(settings), files, streams_are_full)
    app = Flask("services.api", static_folder=None, template_folder="pages")
    app.url_map.merge_slashes = False  # a wrong path is unknown, not elsewhere
    app.config["MAX_CONTENT_LENGTH"] = JSON_LIMIT_BYTES
    register_errors(app, settings)
    http = HttpMetrics(metrics_folder)
    _around_requests(app, service, http)
    bind(app, service, ROUTES)
    bind_desk(app, service)
    add_docs(app, openapi_document(ROUTES_BY_GROUP), ROUTES_BY_GROUP)
    storages = {"data": settings.data_dir, **settings.storages}
    app.wsgi_app = MetricsPort(  # type: ignore[method-assign]
        app.wsgi_app, settings, lambda: metrics_text(http, store, storages)
    )
    return app


class MetricsPort:
    """Serves `/metrics`, and nothing else, on the metrics port, and everything else on the others."""

    def __init__(self, rest: "WSGIApplication", settings: Settings, text: Callable[[], bytes]) -> None:
        self._rest, self._text = rest, text
        self._host, self._port = settings.metrics_host, str(settings.api_metrics_port)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        if environ.get("SERVER_PORT") != self._port:
            return self._rest(environ, start_response)
        if not may_ask(environ.get("HTTP_HOST", ""), listens_on=self._host):
            answer = Response(f"{in_english(FOR_THIS_MACHINE)}\n", status=400, content_type="text/plain")
        elif environ.get("PATH_INFO") == "/metrics" and environ.get("REQUEST_METHOD") in ("GET", "HEAD"):
            answer = Response(self._text(), content_type=CONTENT_TYPE_LATEST)
        else:
            answer = Response(f"{in_english(say('only-metrics'))}\n", status=404, content_type="text/plain")
        return answer(environ, start_response)


def _around_requests(app: Flask, service: Service, http: HttpMetrics) -> None:
    public = {f"{route.method} {route.path}" for route in ROUTES if route.is_public} | {"openapi", "docs"}
    public |= {route.endpoint for route in PAGES if route.is_public}
    folders = Places.of(service.settings, {}).folders

    @app.before_request
    def _begin() -> None:
        g.started = time.perf_counter()
        g.request_id = new_request_id()
        g.language = request.accept_languages.best_match(languages(), default=DEFAULT_LANGUAGE)
        near = is_near(request.remote_addr or "", request.headers.keys())
        g.naming = str if near else folders
        set_reader(g.language, naming=g.naming)
        if not may_ask(request.headers.get("Host", ""), listens_on=service.settings.api_host):
            raise MalformedRequest(FOR_THIS_MACHINE)
        if request.endpoint is not None and request.endpoint not in public:
            check_request(service.keys, request.method, request.headers.get)

    @app.after_request
    def _end(answer: Response) -> Response:
        seconds = time.perf_counter() - g.started
        answer.headers["x-request-id"] = g.request_id
        answer.headers["Content-Language"] = g.language
        answer.vary.add("Accept-Language")
        answer.headers["X-Content-Type-Options"] = "nosniff"
        answer.headers.setdefault("Cache-Control", "no-store")
        route = request.url_rule.rule if request.url_rule else "unmatched"
        http.observe(method=request.method, route=route, status=answer.status_code, seconds=seconds)
        _log.log(
            logging.DEBUG if request.path in QUIET_PATHS and answer.status_code == 200 else logging.INFO,
            "request",
            extra={
                "fields": {
                    "request_id": g.request_id,
                    "method": request.method,
                    "path": request.path[:200],
                    "status": answer.status_code,
                    "seconds": round(seconds, 4),
                }
            },
        )
        return answer
