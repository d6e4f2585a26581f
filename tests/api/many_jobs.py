"""How the API answers with a long queue: `python -m tests.api.many_jobs 1000` prints what each page takes.

It starts a store and the API, queues so many jobs in the store itself, asks every route often enough that the
metrics of requests have all of their series, and then asks the pages that could depend on the queue. At last
50 jobs a second are submitted; `./tunedock bench submits` does that while a job trains.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import httpx
import psutil

from bench.submit_load import SubmitLoad
from services.api.routes import ROUTES
from shared.jobs import new_job_id
from shared.schemas.requests import LoadDiagnosticRequest
from shared.worker_store import WorkerStore
from tests.api.conftest import ROWS, jsonl
from tests.api.server import Server, serve
from tests.valkey import Valkey

TIMES = 100
PER_SECOND, LOAD_SECONDS = 50, 30
PAGES = ("/healthz", "/readyz", "/v1/jobs", "/v1/jobs?limit=100", "/v1/jobs?status=queued&limit=100",
         "/v1/fine_tuning/jobs", "/v1/models", "/v1/queue")  # fmt: skip


def main(count: int) -> None:
    os.environ["TUNEDOCK_MAX_QUEUED_JOBS"] = "1000000"
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
                submit(server)
                print(memory(server))
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
        metrics = f"http://127.0.0.1:{server.metrics_port}/metrics"
        report("/metrics", server, partial(client.get, metrics))
    series = [line for line in server.metrics().splitlines() if not line.startswith("#")]
    print(f"/metrics has {len(series)} series, {memory(server)}")


def submit(server: Server) -> None:
    """Each timed from the moment at which it was due."""
    file = httpx.post(
        f"{server.url}/v1/files", data={"purpose": "fine-tune"}, files={"file": ("a.jsonl", jsonl(ROWS))},
        headers=server.headers, trust_env=False,
    ).json()  # fmt: skip
    request = {"kind": "fine_tuning", "training_file": file["id"]}
    load = SubmitLoad(
        {"url": server.url, "key": server.key, "per_second": PER_SECOND, "seconds": LOAD_SECONDS,
         "request": request}
    )  # fmt: skip
    before = cpu_seconds(server)
    load.run()
    used_ms = (cpu_seconds(server) - before) / len(load.submit_seconds) * 1000
    print(f"{PER_SECOND} submits a second: {in_words(load.submit_seconds, used_ms)}, {dict(load.answers)}")


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
    print(f"{page:36} {in_words(seconds, used_ms)}")


def in_words(seconds: list[float], used_ms: float) -> str:
    ordered = sorted(each * 1000 for each in seconds)
    median, late = ordered[len(ordered) // 2], ordered[len(ordered) * 95 // 100]
    return f"median {median:6.1f} ms, p95 {late:6.1f} ms, processor {used_ms:5.1f} ms"


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
    """With what processes that were replaced meanwhile had used."""
    return sum(sum(process.cpu_times()[:4]) for process in processes(server))


def memory(server: Server) -> str:
    """What all processes take; what they share counts once (PSS)."""
    shared_out = [process.memory_full_info().pss / 1e6 for process in processes(server)]
    return f"memory {sum(shared_out):.0f} MB in {len(shared_out)} processes"


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
