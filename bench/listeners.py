"""`./tunedock bench listeners`: hundreds listen to live events and are cut off; what is lost, what it costs.

A store and an API of its own, without a worker: this process tells events as a worker does, at an even rate.
About ten minutes as delivered. Nothing else should use the machine.
"""

import argparse
import json
import os
import resource
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import psutil

from bench.document import Samples, machine, say
from bench.options import count, minutes
from bench.submits import part
from services.cli.ports import free_port
from services.cli.server import read_key
from services.cli.stack import API_COMMAND
from services.cli.stack_state import own_folder
from services.cli.store import prepare_store
from services.cli.store_alone import embedded_store
from services.cli.terminal import Terminal
from shared.job_records import Claim, WorkerEvent
from shared.jobs import new_job_id
from shared.schemas.requests import LoadDiagnosticRequest
from shared.settings import DEMO_MODEL, PROJECT_ROOT
from shared.worker_store import WorkerStore

JOBS = 2  # a third of the listeners to each, a third to all jobs
SAMPLE_SECONDS = 1.0
SETTLED = 0.25  # of the time, before what is held is compared with what is held at the end
# "It must show", seconds: the 95th of 100 events and of 100 answers of /healthz; how much memory may grow.
MOST_DELAY_SECONDS, MOST_HEALTH_SECONDS, MOST_GROWTH = 0.25, 0.05, 0.1


@dataclass
class Measured:
    """What one run found; seconds and bytes."""

    delays: list[float] = field(default_factory=list)
    health: list[float] = field(default_factory=list)
    api_bytes: list[float] = field(default_factory=list)
    found: dict[str, int] = field(default_factory=dict)
    cpu: dict[str, float] = field(default_factory=dict)
    told: int = 0
    seconds: float = 0.0

    @property
    def growth(self) -> float:
        """Of the API's memory, from the end of the first quarter to the last quarter."""
        quarter = max(1, round(len(self.api_bytes) * SETTLED))
        settled = statistics.median(self.api_bytes[quarter : 2 * quarter] or self.api_bytes)
        return statistics.median(self.api_bytes[-quarter:]) / settled - 1

    @property
    def faults(self) -> dict[str, int]:
        """What must not be there."""
        bad = ("lost", "repeated", "gaps")
        return {what: times for what, times in self.found.items()
                if times and (what in bad or what.startswith(("healthz", "answer")))}  # fmt: skip

    @property
    def is_missed(self) -> bool:
        return (
            bool(self.faults)
            or part(self.delays, 0.95) > MOST_DELAY_SECONDS
            or part(self.health, 0.95) > MOST_HEALTH_SECONDS
            or self.growth > MOST_GROWTH
        )


@dataclass(frozen=True)
class Service:
    """A running store and API."""

    url: str
    key: str
    store: WorkerStore
    api: psutil.Process

    def processes(self) -> list[psutil.Process]:
        return [self.api, *self.api.children(recursive=True)]

    def held_bytes(self) -> int:
        """Pages that processes share count once."""
        return sum(process.memory_full_info().pss for process in self.processes())


def main() -> int:
    arguments = _arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    _allow_many_files()
    scratch = Path(arguments.scratch).resolve()
    scratch.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="bench-listeners-", dir=scratch) as name:
        try:
            with service(Path(name)) as running:
                measured = measure(running, arguments)
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            return 130
    print(table(measured))
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(_document(measured), indent=1) + "\n")
    return int(measured.is_missed)


@contextmanager
def service(folder: Path) -> Iterator[Service]:
    data_dir, port = folder / "data", free_port()
    with ExitStack() as stack:
        lock = stack.enter_context(own_folder(data_dir, Terminal().note))
        access = stack.enter_context(embedded_store(prepare_store(data_dir), data_dir, lock))
        environment = os.environ | {
            "PYTHONPATH": str(PROJECT_ROOT),
            "TUNEDOCK_STORE_URL": access.url,
            "TUNEDOCK_DATA_DIR": str(data_dir),
            "TUNEDOCK_API_PORT": str(port),
            "TUNEDOCK_API_METRICS_PORT": str(free_port()),
        }
        log = stack.enter_context((data_dir / "logs" / "api.log").open("wb"))
        process = subprocess.Popen(API_COMMAND, cwd=PROJECT_ROOT, env=environment, stdout=log, stderr=log)
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_for(url, process)
            store = WorkerStore.connect(access.url)
            yield Service(url, read_key(data_dir / "api.key"), store, psutil.Process(process.pid))
        finally:
            process.terminate()
            process.wait()


def _wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    with httpx.Client(trust_env=False) as client:
        while process.poll() is None:
            try:
                client.get(f"{url}/healthz")
            except httpx.TransportError:
                time.sleep(0.1)
            else:
                return
    raise SystemExit("the API does not start")


def measure(running: Service, arguments: argparse.Namespace) -> Measured:
    measured, seconds = Measured(), arguments.minutes * 60
    claims = [_begun(running.store, number) for number in range(JOBS)]
    order = {
        "url": running.url,
        "key": running.key,
        "jobs": [claim.job_id for claim in claims],
        "seconds": seconds,
        **{name: getattr(arguments, name) for name in ("listeners", "cuts", "idle", "half")},
    }
    command = [sys.executable, "-m", "bench.listening_load"]
    with subprocess.Popen(
        command, cwd=PROJECT_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as load:
        assert load.stdin is not None
        assert load.stdout is not None
        load.stdin.write(json.dumps(order) + "\n")
        load.stdin.flush()
        load.stdout.readline()
        say(f"{arguments.listeners} listeners for {seconds:.0f} s, each cut off {arguments.cuts} times")
        began, used = time.monotonic(), _cpu_seconds(running)
        told = _tell(running, claims, arguments.per_second, seconds, measured)
        measured.cpu["api"] = _cpu_seconds(running) - used
        measured.seconds = time.monotonic() - began
        load.stdin.write(json.dumps({"told": told}) + "\n")
        load.stdin.flush()
        said = json.loads(load.stdout.readline())
    measured.delays, measured.health = said["delay_seconds"], said["health_seconds"]
    measured.found, measured.cpu["load"] = said["found"], said["own_cpu_seconds"]
    return measured


def _begun(store: WorkerStore, number: int) -> Claim:
    job_id = new_job_id("load_diagnostic")
    store.submit(
        job_id, LoadDiagnosticRequest(model=DEMO_MODEL), owner="bench", idempotency_key=None,
        fingerprint=job_id, is_retry=False, max_queued_jobs=10,
    )  # fmt: skip
    claim = store.claim(host="bench", boot="bench", nonce=str(number), lease_seconds=86_400)
    assert isinstance(claim, Claim)
    return claim


def _tell(
    running: Service, claims: list[Claim], per_second: int, seconds: float, measured: Measured
) -> dict[str, int]:
    """Events of all jobs at `per_second` together; returns the number of the last event of each job."""
    began, sampled = time.monotonic(), 0.0
    for number in range(round(per_second * seconds)):
        time.sleep(max(0.0, began + number / per_second - time.monotonic()))
        own, claim = number // len(claims) + 1, claims[number % len(claims)]
        data = {"step": own, "train_loss": 1.25, "step_seconds": 0.5, "tokens_per_second": 1234.5}
        event = WorkerEvent(own, "info", "metrics", f"Step {own}", data, at=time.time())
        running.store.record_events(claim, [event])
        measured.told += 1
        if time.monotonic() - sampled > SAMPLE_SECONDS:
            measured.api_bytes.append(running.held_bytes())
            sampled = time.monotonic()
    for claim in claims:
        running.store.finish(claim, "succeeded", message="Done", result={})
    return {claim.job_id: _last_of(running.store, claim.job_id) for claim in claims}


def _last_of(store: WorkerStore, job_id: str) -> int:
    return int(store.events(job_id, limit=1).events[0].id.partition("-")[2])


def _cpu_seconds(running: Service) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in running.processes())


def table(measured: Measured) -> str:
    lines = [f"{'':34} {'median':>9} {'95 %':>9} {'99 %':>9} {'most':>9}"]
    for name, values in {
        "an event's delay": measured.delays,
        "an answer of /healthz": measured.health,
    }.items():
        shown = [part(values, share) for share in (0.5, 0.95, 0.99, 1)]
        lines.append(f"{name:34} " + " ".join(f"{value * 1000:6.1f} ms" for value in shown))
    held = [
        f"{value / 1e6:.0f}"
        for value in (measured.api_bytes[0], max(measured.api_bytes), measured.api_bytes[-1])
    ]
    used = ", ".join(f"{name} {seconds / measured.seconds:.0%}" for name, seconds in measured.cpu.items())
    return "\n".join([
        *lines,
        f"told: {measured.told} events, {measured.found.get('events', 0)} times in all",
        f"lost: {measured.found.get('lost', 0)}, repeated: {measured.found.get('repeated', 0)}",
        "other: " + (", ".join(f"{times} × {what}" for what, times in sorted(measured.found.items())
                               if what not in ("events", "lost", "repeated")) or "nothing"),
        f"memory of the API: {held[0]} MB at first, {held[1]} MB at most, "
        f"{held[2]} MB at last ({measured.growth:+.1%})",
        f"of one core: {used}",
    ])  # fmt: skip


def _document(measured: Measured) -> dict[str, Any]:
    samples = Samples()
    for arm, case, metric, values in (
        ("listeners", "events", "delay_seconds", measured.delays),
        ("listeners", "healthz", "answer_seconds", measured.health),
        ("listeners", "api", "held_bytes", measured.api_bytes),
    ):
        for value in values:
            samples.add(arm, case, metric, value)
    return {
        "bench": "listeners",
        "machine": machine(),
        "rows": samples.rows(),
        "found": measured.found,
        "told": measured.told,
        "cpu_seconds": measured.cpu,
        "seconds": measured.seconds,
        "delay_seconds_p95": part(measured.delays, 0.95),
        "health_seconds_p95": part(measured.health, 0.95),
        "growth": measured.growth,
    }


def _allow_many_files() -> None:
    """Each connection of the load is an open file."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./tunedock bench listeners", description=__doc__)
    add = parser.add_argument
    add("--listeners", type=count, default=300, metavar="N", help="300")
    add("--cuts", type=count, default=20, metavar="N", help="of each listener, at random: 20")
    add("--minutes", type=minutes, default=10.0, metavar="N", help="10")
    add("--per-second", type=count, default=2, metavar="N", help="events told: 2")
    add("--idle", type=int, default=500, metavar="N", help="connections that ask for nothing: 500")
    add("--half", type=int, default=200, metavar="N", help="connections with half a head: 200")
    add("--json", metavar="FILE", help="write the rows to FILE")
    add("--scratch", default=str(PROJECT_ROOT / "data" / "bench"), metavar="FOLDER")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
