"""The API under gunicorn as it is delivered, on free ports and in folders of its own."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from shared.settings import PROJECT_ROOT
from shared.worker_store import WorkerStore
from tests.valkey import Valkey, free_port

MAX_UPLOAD_BYTES = 4 * 1024**2


@dataclass(frozen=True)
class Server:
    """A running API: where it is, its folder, its store, its process."""

    port: int
    metrics_port: int
    data_dir: Path
    store: WorkerStore
    process: "subprocess.Popen[bytes]"
    log: Path
    seconds_to_health: float

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def key(self) -> str:
        return (self.data_dir / "api.key").read_text().strip()

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    def metrics(self) -> str:
        return httpx.get(f"http://127.0.0.1:{self.metrics_port}/metrics", trust_env=False).text


@contextmanager
def serve(folder: Path, valkey: Valkey) -> Iterator[Server]:
    """Start the server over `valkey`; stop it at the end, which must be clean."""
    port, metrics_port = free_port(), free_port()
    data_dir, log = folder / "data", folder / "api.log"
    (folder / "models" / "tiny").mkdir(parents=True)
    (folder / "models" / "tiny" / "config.json").write_text("{}")
    (folder / "models" / "tiny" / "model.safetensors").write_bytes(b"")
    environment = {
        "PYTHONPATH": str(PROJECT_ROOT),
        "PYTHONWARNINGS": "error",
        "TUNEDOCK_STORE_URL": valkey.url,
        "TUNEDOCK_DATA_DIR": str(data_dir),
        "TUNEDOCK_MODELS_DIR": str(folder / "models"),
        "TUNEDOCK_DATASETS_DIR": str(folder / "datasets"),
        "TUNEDOCK_DEFAULT_MODEL": "tiny",
        "TUNEDOCK_API_PORT": str(port),
        "TUNEDOCK_API_METRICS_PORT": str(metrics_port),
        "TUNEDOCK_MAX_UPLOAD_BYTES": str(MAX_UPLOAD_BYTES),
        "TUNEDOCK_MIN_FREE_BYTES": "1",
    }
    command = ["-m", "gunicorn", "-c", "services/api/gunicorn.conf.py", "services.api.asgi:app"]
    started = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=PROJECT_ROOT,
            env=os.environ | environment,
            stdout=output,
            stderr=output,
        )
    try:
        _wait_for_health(f"http://127.0.0.1:{port}/healthz", process, log)
        seconds = time.monotonic() - started
        store = WorkerStore.connect(valkey.url)
        yield Server(port, metrics_port, data_dir, store, process, log, seconds)
    finally:
        process.terminate()
        process.wait(40)


def _wait_for_health(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(600):
        try:
            httpx.get(url, trust_env=False)
        except httpx.TransportError:
            assert process.poll() is None, log.read_text()
            time.sleep(0.05)
        else:
            return
    raise AssertionError(log.read_text())
