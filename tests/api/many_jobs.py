"""How the API answers with a long queue: `python -m tests.api.many_jobs 1000` prints what each page takes.

It starts a store and the API, queues so many jobs in the store itself, asks every route often enough that the
metrics of requests have all of their series, and then asks the pages that could depend on the queue.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import httpx
import psutil

from services.api.routes import ROUTES
from shared.jobs import new_job_id
from shared.schemas.requests import LoadDiagnosticRequest
from shared.worker_store import WorkerStore
from tests.api.server import Server, serve
from tests.valkey import Valkey

TIMES = 100
PAGES = ("/healthz", "/readyz", "/v1/jobs", "/v1/jobs?limit=100", "/v1/jobs?status=queued&limit=100",
         "/v1/fine_tuning/jobs", "/v1/models", "/v1/queue")  # fmt: skip


def main(count: int) -> None:
    with tempfile.TemporaryDirectory(prefix="many-jobs-") as name:
        folder = Path(name)
        (folder / "store").mkdir()
        valkey = Valkey(folder / "store").start()
        try:
            with serve(folder / "api", valkey) as server:
                print(f"start {server.seconds_to_health:.2f} s, {memory(server)}")
                fill(server.store, count)
                server.store.worker_beat("test", {"device": "cpu"})
                measure(server)
        finally:
            valkey.kill()


def measure(server: Server) -> None:
    with httpx.Client(base_url=server.url, headers=server.headers, trust_env=False) as client:
        for route in ROUTES:
            path = route.path.replace("<path:model_id>", "tiny").replace("<", "").replace(">", "")
            for headers in (server.headers, {"Authorization": "Bearer wrong"}):
                for _ in range(8):  # both processes answer some
                    client.request(route.method, path, headers=headers)
        for page in PAGES:
            report(page, server, partial(client.get, page))
        report("/metrics", server, server.metrics)
    text = server.metrics()
    print(
        f"/metrics: {sum(not line.startswith('#') for line in text.splitlines())} series, {len(text)} bytes"
    )
    print(memory(server))


def report(page: str, server: Server, ask: Callable[[], object]) -> None:
    for _ in range(10):
        ask()
    seconds: list[float] = []
    before = cpu_seconds(server)
    for _ in range(TIMES):
        began = time.perf_counter()
        ask()
        seconds.append(time.perf_counter() - began)
    used_ms = (cpu_seconds(server) - before) / TIMES * 1000
    median, late = sorted(seconds)[TIMES // 2] * 1000, sorted(seconds)[TIMES * 95 // 100] * 1000
    print(f"{page:36} median {median:6.1f} ms, p95 {late:6.1f} ms, processor {used_ms:5.1f} ms")


def fill(store: WorkerStore, count: int) -> None:
    """Every second job waits for the first."""
    after: list[str] = []
    for number in range(count):
        job_id = new_job_id("load_diagnostic")
        request = LoadDiagnosticRequest(model="tiny", after=after if number % 2 else [])
        store.submit(
            job_id, request, owner="me", idempotency_key=None, fingerprint=job_id, is_retry=False,
            max_queued_jobs=count,
        )  # fmt: skip
        after = after or [job_id]


def processes(server: Server) -> list[psutil.Process]:
    process = psutil.Process(server.process.pid)
    return [process, *process.children(recursive=True)]


def cpu_seconds(server: Server) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in processes(server))


def memory(server: Server) -> str:
    """What all processes take; what they share counts once (PSS)."""
    shared_out = [process.memory_full_info().pss / 1e6 for process in processes(server)]
    return f"memory {sum(shared_out):.0f} MB in {len(shared_out)} processes"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
