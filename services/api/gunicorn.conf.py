# ruff: noqa: N999
"""How gunicorn serves the API: two asyncio processes with threads for work; metrics on their own port."""

import itertools
import os
import resource
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent.parent))

from services.api.logs import logging_config
from services.api.metrics import PLACE
from shared.messages.message import say
from shared.messages.render import shown
from shared.settings import Settings

MOST_CONNECTIONS = 2000
OTHER_FILES = 500

try:
    _settings = Settings.from_environment()
except ValueError as error:
    raise SystemExit(str(error)) from error
if _settings.api_port == _settings.api_metrics_port:
    raise SystemExit(shown(say("ports-are-equal", port=str(_settings.api_port))))


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


# Each connection is an open file; the rest is for logs, uploads and the store.
_files, _most_files = resource.getrlimit(resource.RLIMIT_NOFILE)
if _files < (wanted := min(_most_files, MOST_CONNECTIONS + OTHER_FILES)):
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, _most_files))
_shm = Path("/dev/shm")
_has_shm = _shm.is_dir() and os.access(_shm, os.W_OK)
_memory = _shm if _has_shm else Path(tempfile.gettempdir())

bind = [
    _address(_settings.api_host, _settings.api_port),
    _address(_settings.metrics_host, _settings.api_metrics_port),
]
worker_class = "services.api.connections.ConnectionWorker"
workers = 2
worker_connections = MOST_CONNECTIONS  # of each process
asgi_loop = "asyncio"
asgi_lifespan = "on"
preload_app = True  # one import, shared memory, and the first API key is made by one process
timeout = 30  # also of a body that stopped arriving
graceful_timeout = 30
keepalive = 15  # longer than clients keep theirs (httpx: 5 s), else one sends into our closing
max_requests = 2000
max_requests_jitter = 200
limit_request_line = 4094
limit_request_fields = 100
limit_request_field_size = 8190
forwarded_allow_ips = "127.0.0.1,::1"
control_socket_disable = True
logconfig_dict = logging_config()
if _has_shm:
    worker_tmp_dir = str(_shm)  # a heartbeat file on a slow disk would look like a hung worker


def _metrics_folders() -> Iterator[Path]:
    """What this server and others of this user count in; theirs only if they are dead."""
    for folder in _memory.glob("tunedock-api-*-*"):
        pid = folder.name.split("-")[2]
        is_over = pid == str(os.getpid()) or not Path("/proc", pid).exists()
        if is_over and folder.stat().st_uid == os.getuid():
            yield folder


def on_exit(server: Any) -> None:
    for folder in _metrics_folders():
        shutil.rmtree(folder, ignore_errors=True)


def pre_fork(server: Any, worker: Any) -> None:
    """Give a worker the first free place, so that its successor goes on counting in the same file."""
    taken = {other.metrics_place for other in server.WORKERS.values()}
    worker.metrics_place = next(place for place in itertools.count(1) if place not in taken)


def post_fork(server: Any, worker: Any) -> None:
    PLACE.take(str(worker.metrics_place))


on_exit(None)
# Read when the application is loaded, which with `preload_app` is before any hook.
os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix=f"tunedock-api-{os.getpid()}-", dir=_memory)
