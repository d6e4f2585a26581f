"""The whole real service for tests: embedded store, API and worker on free ports, in a folder of its own.

with live_stack(tmp_path) as stack:
    record = stack.client.submit({"kind": "load_diagnostic", "model": TINY_MODEL})
    stack.kill("worker")                     # the supervisor starts it again
    record = stack.until_ended(record.id)
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from services.cli.background import BackgroundStack, start_stack, stop_stack
from services.cli.client import Client
from services.cli.failure import RequestRefused, ServerUnreachable
from services.cli.ports import free_port
from services.cli.server import read_key
from services.cli.stack_state import StackState, running_stack
from services.cli.terminal import Terminal
from shared.jobs import TERMINAL
from shared.schemas.records import JobRecord
from shared.settings import PROJECT_ROOT
from tests.tiny_models import make_tiny_llama

TINY_MODEL = "tiny-llama"
LONGEST_WAIT_SECONDS = 90.0

# Quick enough that a test of a dead worker takes seconds; everything else as delivered.
QUICK_SETTINGS = {
    "TUNEDOCK_LEASE_SECONDS": "6",
    "TUNEDOCK_HEARTBEAT_SECONDS": "0.5",
    "TUNEDOCK_JANITOR_SECONDS": "0.5",
    "TUNEDOCK_REAP_GRACE_SECONDS": "8",
}


@dataclass(frozen=True)
class LiveStack:
    """A running stack: its folders, its address, its processes."""

    folder: Path
    environment: dict[str, str]
    client: Client
    key: str
    supervisor: BackgroundStack

    @property
    def url(self) -> str:
        return self.supervisor.state.url

    @property
    def data_dir(self) -> Path:
        return self.folder / "data"

    @property
    def models_dir(self) -> Path:
        return self.folder / "models"

    @property
    def datasets_dir(self) -> Path:
        return self.folder / "datasets"

    def state(self) -> StackState:
        """What the supervisor says now."""
        state = running_stack(self.data_dir)
        assert state is not None, "the stack is not running"
        return state

    def pid(self, part: str) -> int:
        """The process id of ``store``, ``api`` or ``worker``."""
        return self.state().processes[part]

    def worker_child(self) -> int:
        """The process id of the worker's child that owns the device."""
        return int(json.loads((self.data_dir / "worker" / "worker.state.json").read_text())["pid"])

    def kill(self, part: str) -> None:
        """`kill -9` one part and wait until the supervisor has started it again."""
        before = self.state()
        os.kill(before.processes[part], signal.SIGKILL)
        wait_until(lambda: self.state().restarts[part] > before.restarts[part])

    def until_ended(self, job_id: str, seconds: float = LONGEST_WAIT_SECONDS) -> JobRecord:
        """The record of a job once it has ended; a store or an API that is away meanwhile is waited for."""
        return until_ended(self.client, job_id, seconds)

    def command(self, *words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command of `./tunedock` against this stack."""
        return subprocess.run(
            [sys.executable, "-m", "services.cli", *words],
            cwd=cwd or self.folder,
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
            timeout=LONGEST_WAIT_SECONDS,
        )

    def log(self, part: str) -> str:
        return (self.data_dir / "logs" / f"{part}.log").read_text(encoding="utf-8")


@contextmanager
def live_stack(folder: Path, **environment: str) -> Iterator[LiveStack]:
    """Start a stack in `folder`, whose models folder holds the tiny Llama; stop it at the end.

    `environment` adds variables or replaces those that are set here.
    """
    make_tiny_llama(folder / "models" / TINY_MODEL)
    (folder / "datasets").mkdir(exist_ok=True)
    variables = stack_environment(folder) | environment
    terminal = Terminal()
    supervisor = start_stack(folder / "data", variables, terminal, leash=True)
    try:
        key = read_key(folder / "data" / "api.key")
        with Client(supervisor.state.url, key) as client:
            yield LiveStack(folder, variables, client, key, supervisor)
    finally:
        if state := running_stack(folder / "data"):
            stop_stack(folder / "data", state, terminal)
        supervisor.process.wait()


def stack_environment(folder: Path) -> dict[str, str]:
    """Variables of a stack on free ports whose folders all lie in `folder`."""
    ports = ("TUNEDOCK_API_PORT", "TUNEDOCK_API_METRICS_PORT", "TUNEDOCK_WORKER_METRICS_PORT")
    return {
        "PYTHONPATH": str(PROJECT_ROOT),
        "OMP_NUM_THREADS": "1",
        "TUNEDOCK_DATA_DIR": str(folder / "data"),
        "TUNEDOCK_MODELS_DIR": str(folder / "models"),
        "TUNEDOCK_DATASETS_DIR": str(folder / "datasets"),
        "TUNEDOCK_DEFAULT_MODEL": TINY_MODEL,
        **QUICK_SETTINGS,
        **{port: str(free_port()) for port in ports},
    }


def until_ended(client: Client, job_id: str, seconds: float) -> JobRecord:
    """The record of a job once it has ended; a store or an API that is away meanwhile is waited for."""
    ended: list[JobRecord] = []

    def has_ended() -> bool:
        with suppress(ServerUnreachable, RequestRefused):
            ended.extend(record for record in [client.job(job_id)] if record.status in TERMINAL)
        return bool(ended)

    wait_until(has_ended, seconds)
    return ended[0]


def wait_until(reached: Callable[[], bool], seconds: float = LONGEST_WAIT_SECONDS) -> None:
    """Return as soon as `reached` says true; fail the test after `seconds`."""
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, f"waited {seconds:g} s in vain"
        time.sleep(0.05)
