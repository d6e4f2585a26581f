"""`./tunedock bench submits`: many submits a second while a job trains: what each takes, what the job loses.

A whole service of its own trains the demo model, a quarter of the time alone, then amid the submits, then
alone again: about eight minutes as delivered. Nothing else should use the machine.
"""

import argparse
import json
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import psutil

from bench.document import Samples, machine, say
from bench.options import count, minutes
from services.cli.background import BackgroundStack, start_stack, stop_stack
from services.cli.client import Client
from services.cli.ports import free_port
from services.cli.server import read_key
from services.cli.stack_state import running_stack
from services.cli.terminal import Terminal
from services.worker.models.hub.demo_model import make_demo_model
from services.worker.running_job import NoJob
from shared.settings import DEMO_MODEL, PROJECT_ROOT

ROWS = PROJECT_ROOT / "datasets" / "sample_spam" / "train.jsonl"
WARM_STEPS = 10
SCRAPE_SECONDS = 5.0
ALONE = 0.25  # of the time amid the submits, before and after
# "It must show", seconds: the 95th of 100 submits, one scrape, and how much longer a step may take.
MOST_SUBMIT_SECONDS, MOST_SCRAPE_SECONDS, MOST_SLOWER = 0.05, 0.05, 0.05


@dataclass
class Measured:
    """What one run of the load found; seconds."""

    alone: list[float] = field(default_factory=list)
    amid: list[float] = field(default_factory=list)
    submits: list[float] = field(default_factory=list)
    scrapes: list[float] = field(default_factory=list)
    answers: dict[str, int] = field(default_factory=dict)
    cpu: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def slower(self) -> float:
        return statistics.median(self.amid) / statistics.median(self.alone) - 1

    @property
    def errors(self) -> int:
        return sum(times for answer, times in self.answers.items() if answer != "202")

    @property
    def is_missed(self) -> bool:
        return (
            self.errors > 0
            or part(self.submits, 0.95) > MOST_SUBMIT_SECONDS
            or part(self.scrapes, 0.95) > MOST_SCRAPE_SECONDS
            or self.slower > MOST_SLOWER
        )


class Service:
    """A running service and the job that it trains."""

    def __init__(self, folder: Path, stack: BackgroundStack, ports: dict[str, int], client: Client) -> None:
        self.folder, self.stack, self.client = folder, stack, client
        self.key = read_key(folder / "data" / "api.key")
        self.metrics_url = f"http://127.0.0.1:{ports['TUNEDOCK_API_METRICS_PORT']}/metrics"
        self.file_id = client.upload(ROWS)
        self.job_id = client.submit(self.request(1_000_000)).id

    def request(self, steps: int) -> dict[str, Any]:
        hyperparameters = {"max_steps": steps, "global_batch_size": 4}
        return {"kind": "fine_tuning", "model": DEMO_MODEL, "training_file": self.file_id,
                "hyperparameters": hyperparameters}  # fmt: skip

    def step_seconds(self) -> list[tuple[float, float]]:
        """(when, seconds) of each step so far."""
        journal = self.folder / "data" / "jobs" / self.job_id / "attempts" / "1" / "events.jsonl"
        if not journal.exists():
            return []
        events = [
            json.loads(line) for line in journal.read_text().splitlines(keepends=True) if line[-1] == "\n"
        ]
        return [(event["at"], event["data"]["step_seconds"]) for event in events
                if "step_seconds" in event["data"]]  # fmt: skip

    def cpu_seconds(self) -> dict[str, float]:
        """Of each part with all its processes, so far."""
        used = {}
        for name, pid in self.stack.state.processes.items():
            processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
            used[name] = sum(sum(process.cpu_times()[:4]) for process in processes if process.is_running())
        return used


def main() -> int:
    arguments = _arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    scratch = Path(arguments.scratch).resolve()
    scratch.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    demo = make_demo_model(scratch / "models", NoJob())
    with TemporaryDirectory(prefix="bench-submits-", dir=scratch) as name:
        try:
            measured = measure(Path(name), demo, arguments)
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            return 130
    print(table(measured))
    if arguments.json:
        document = _document(measured, time.monotonic() - started)
        Path(arguments.json).write_text(json.dumps(document, indent=1) + "\n")
    return int(measured.is_missed)


def measure(folder: Path, demo: Path, arguments: argparse.Namespace) -> Measured:
    (folder / "models").mkdir()
    (folder / "models" / DEMO_MODEL).symlink_to(demo)
    variables = ("TUNEDOCK_API_PORT", "TUNEDOCK_API_METRICS_PORT", "TUNEDOCK_WORKER_METRICS_PORT")
    ports = {variable: free_port() for variable in variables}
    environment = {
        **{variable: str(port) for variable, port in ports.items()},
        "TUNEDOCK_MODELS_DIR": str(folder / "models"),
        "TUNEDOCK_MAX_QUEUED_JOBS": "1000000",
        "OMP_NUM_THREADS": str(arguments.threads),
    }
    terminal, data_dir = Terminal(), folder / "data"
    stack = start_stack(data_dir, environment, terminal, leash=True)
    try:
        with Client(stack.state.url, read_key(data_dir / "api.key")) as client:
            return _loaded(Service(folder, stack, ports, client), arguments)
    finally:
        if state := running_stack(data_dir):
            stop_stack(data_dir, state, terminal)
        stack.process.wait()


def _loaded(service: Service, arguments: argparse.Namespace) -> Measured:
    measured, seconds = Measured(), arguments.minutes * 60
    while len(service.step_seconds()) < WARM_STEPS:
        time.sleep(1)
    say(f"the job trains; alone for {seconds * ALONE:.0f} s")
    marks = [time.time()]
    time.sleep(seconds * ALONE)
    marks.append(time.time())
    say(f"{arguments.per_second} submits a second for {seconds:.0f} s")
    before = service.cpu_seconds()
    _submit(service, arguments.per_second, seconds, measured)
    measured.seconds = time.time() - marks[-1]
    measured.cpu |= {name: used - before[name] for name, used in service.cpu_seconds().items()}
    marks.append(time.time())
    say(f"alone again for {seconds * ALONE:.0f} s")
    time.sleep(seconds * ALONE)
    for at, taken in service.step_seconds():
        if marks[0] < at - taken and not any(at - taken < mark < at for mark in marks):
            (measured.amid if marks[1] < at < marks[2] else measured.alone).append(taken)
    return measured


def _submit(service: Service, per_second: int, seconds: float, measured: Measured) -> None:
    order = {"url": service.stack.state.url, "key": service.key, "per_second": per_second, "seconds": seconds,
             "request": service.request(100)}  # fmt: skip
    command = [sys.executable, "-m", "bench.submit_load"]
    with subprocess.Popen(
        command, cwd=PROJECT_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as load, httpx.Client(trust_env=False) as scraper:  # fmt: skip
        assert load.stdin is not None
        assert load.stdout is not None
        load.stdin.write(json.dumps(order) + "\n")
        load.stdin.flush()
        ends = time.monotonic() + seconds
        while time.monotonic() < ends - SCRAPE_SECONDS:
            time.sleep(SCRAPE_SECONDS)
            began = time.perf_counter()
            scraper.get(service.metrics_url, timeout=30).raise_for_status()
            measured.scrapes.append(time.perf_counter() - began)
        said = json.loads(load.stdout.read())
    measured.submits += said["submit_seconds"]
    measured.answers |= said["answers"]
    measured.cpu["load"] = said["own_cpu_seconds"]


def part(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of all don't exceed."""
    return sorted(values)[max(0, -int(-share * len(values) // 1) - 1)]


def table(measured: Measured) -> str:
    lines = [f"{'':34} {'median':>9} {'95 %':>9} {'99 %':>9} {'most':>9}"]
    for name, values in {
        "a submit": measured.submits,
        "a scrape of /metrics": measured.scrapes,
        "a step of the job alone": measured.alone,
        "a step of the job amid the submits": measured.amid,
    }.items():
        shown = [part(values, share) for share in (0.5, 0.95, 0.99, 1)]
        lines.append(f"{name:34} " + " ".join(f"{value * 1000:6.1f} ms" for value in shown))
    answers = ", ".join(f"{times} × {answer}" for answer, times in sorted(measured.answers.items()))
    used = ", ".join(f"{name} {seconds / measured.seconds:.0%}" for name, seconds in measured.cpu.items())
    return "\n".join([
        *lines,
        f"answers: {answers}",
        f"a step takes {measured.slower:+.1%} ({len(measured.amid)} amid, {len(measured.alone)} alone)",
        f"of one core: {used}",
    ])  # fmt: skip


def _document(measured: Measured, seconds: float) -> dict[str, Any]:
    samples = Samples()
    for arm, case, metric in (
        ("alone", "train", "step_seconds"),
        ("amid", "train", "step_seconds"),
        ("submits", "load", "submit_seconds"),
        ("scrapes", "load", "scrape_seconds"),
    ):
        for value in getattr(measured, arm):
            samples.add(arm, case, metric, value)
    shares = {"submit_seconds_p95": part(measured.submits, 0.95), "slower": measured.slower}
    return {"bench": "submits", "machine": machine(), "rows": samples.rows(), "answers": measured.answers,
            "cpu_seconds": measured.cpu, "seconds": seconds, **shares}  # fmt: skip


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./tunedock bench submits", description=__doc__)
    add = parser.add_argument
    add("--per-second", type=count, default=50, metavar="N", help="50")
    add("--minutes", type=minutes, default=5.0, metavar="N", help="amid the submits: 5")
    add("--threads", type=count, default=1, metavar="N", help="of the training: 1")
    add("--json", metavar="FILE", help="write the rows to FILE")
    add("--scratch", default=str(PROJECT_ROOT / "data" / "bench"), metavar="FOLDER")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
