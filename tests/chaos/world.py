"""The running service as faults see it: its processes, its store, its disks, its user."""

import json
import os
import random
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import redis

from services.cli.background import BackgroundStack, start_stack, stop_stack
from services.cli.failure import CommandFailed
from services.cli.server import read_key
from services.cli.stack_state import running_stack
from services.cli.store import StoreAccess
from services.cli.terminal import Terminal
from shared.worker_store import WorkerStore
from tests.chaos.disks import Disks
from tests.chaos.history import History
from tests.chaos.specs import ENDED, MODEL, write_rows
from tests.chaos.user import User
from tests.stack import stack_environment
from tests.tiny_models import make_tiny_llama

HANG_SECONDS = 6.0
GONE_SECONDS = 10.0
SETTINGS = {
    "TUNEDOCK_CHECKPOINT_SECONDS": "0.5",
    "TUNEDOCK_HANG_SECONDS": f"{HANG_SECONDS:g}",
}
MARKS = {"store": "valkey-server", "api": "gunicorn", "worker": "services.worker"}


class World:
    """A stack in `folder`; a context manager. Only the main thread starts it: it dies with its starter."""

    def __init__(self, folder: Path, history: History, **environment: str) -> None:
        self.folder, self.history = folder, history
        self.environment = stack_environment(folder) | SETTINGS | environment
        self.disks = Disks(self.data_dir, self.processes)
        self.url = f"http://127.0.0.1:{self.environment['TUNEDOCK_API_PORT']}"
        self._supervisor: BackgroundStack | None = None
        self._lock = threading.Lock()
        self._ended: dict[str, str] = {}
        self.left_running: list[int] = []

    @property
    def data_dir(self) -> Path:
        return self.folder / "data"

    def __enter__(self) -> "World":
        if not (self.folder / "models" / MODEL).exists():  # else a stack ran here before
            make_tiny_llama(self.folder / "models" / MODEL)
            write_rows(self.folder / "datasets")
        self.disks.__enter__()
        self.start()
        self.key = read_key(self.data_dir / "api.key")
        self.user = User(lambda: self.url, self.key, self.history)
        return self

    def __exit__(self, *_: object) -> None:
        try:
            if state := running_stack(self.data_dir):
                stop_stack(self.data_dir, state, Terminal())
                self.left_running = self._processes_after(GONE_SECONDS)
        finally:
            for process in self.processes():
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            self._processes_after(GONE_SECONDS)
            shutil.copytree(self.data_dir / "logs", self.folder / "logs", dirs_exist_ok=True)
            if self._supervisor:
                self._supervisor.process.wait()
            self.disks.__exit__()

    # --- the supervisor

    def start(self) -> None:
        self._supervisor = start_stack(self.data_dir, self.environment, Terminal(), leash=True)

    def start_again_if_dead(self) -> None:
        """As systemd would: again and again, until it is up."""
        assert self._supervisor is not None
        if self._supervisor.process.poll() is None:
            return
        with suppress(OSError):  # the next one begins the file anew
            said = (self.data_dir / "logs" / "stack.log").read_text()
            self.history.note("supervisor-ended", code=self._supervisor.process.returncode, said=said[-2000:])
        try:
            self.start()
            self.history.note("supervisor-started")
        except (CommandFailed, OSError) as failure:
            self.history.note("supervisor-not-started", why=str(failure))

    # --- processes

    def find(self, part: str, chance: random.Random | None = None) -> psutil.Process | None:
        """`supervisor`, `store`, `api`, `api_process`, `worker` or `child`; None while there is none."""
        try:
            supervisor = psutil.Process(self._supervisor_pid())
            if part == "supervisor":
                return supervisor
            if part == "child":
                return self._below("worker", "--billiard-fork", chance)
            if part == "api_process":
                return self._below("api", "gunicorn", chance)
            return _one_with(supervisor.children(), MARKS[part])
        except (psutil.Error, OSError):
            return None

    def _below(self, part: str, mark: str, chance: random.Random | None) -> psutil.Process | None:
        parent = self.find(part)
        return None if parent is None else _one_with(parent.children(), mark, chance)

    def send(
        self,
        part: str,
        number: signal.Signals,
        chance: random.Random | None = None,
        *,
        whole_group: bool = False,
    ) -> bool:
        found = self.find(part, chance)
        return found is not None and self.send_to(found, number, whole_group=whole_group)

    def send_to(self, process: psutil.Process, number: signal.Signals, *, whole_group: bool = False) -> bool:
        """False where it has gone; psutil sees to it that its number is not another's by now."""
        try:
            if whole_group:
                for child in process.children():
                    child.send_signal(number)
            process.send_signal(number)
        except psutil.Error:
            return False
        return True

    def _supervisor_pid(self) -> int:
        assert self._supervisor is not None
        return self._supervisor.process.pid

    def _processes_after(self, seconds: float) -> list[int]:
        """Those that are still there after so long, if any."""
        deadline = time.monotonic() + seconds
        while (left := self.processes()) and time.monotonic() < deadline:
            time.sleep(0.1)
        return left

    def processes(self) -> list[int]:
        """Everything that runs on this folder, whoever its parent is by now."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get("TUNEDOCK_DATA_DIR") == str(self.data_dir):
                    found.append(process.pid)
        return found

    # --- the store

    def store_url(self) -> str:
        access = json.loads((self.folder / "data" / "store" / "access.json").read_text())
        return StoreAccess(**access).url

    @contextmanager
    def store(self) -> Iterator[Any]:
        """Its administrator's connection; what goes wrong with it meanwhile is no matter."""
        client = redis.Redis.from_url(
            self.store_url(), decode_responses=True, socket_timeout=5, socket_connect_timeout=2
        )
        try:
            yield client
        except (redis.RedisError, OSError):
            pass
        finally:
            client.close()

    def mend_store(self, mend: Callable[[Any], object]) -> bool:
        """Do it as soon as the store answers; one that was started anew needs none."""
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            with self.store() as store:
                mend(store)
                return True
            time.sleep(0.2)
        return False

    def stored_ids(self) -> list[str]:
        """Every job that has a record; none while the store is away."""
        ids: list[str] = []
        with self.store() as store:
            ids.extend(key.removeprefix("tunedock:job:") for key in store.scan_iter("tunedock:job:*"))
        return ids

    def worker_store(self) -> WorkerStore:
        return WorkerStore.connect(self.store_url())

    # --- jobs

    def open_jobs(self) -> list[str]:
        """Accepted, and not seen to have ended; oldest first."""
        with self._lock:
            return [job for job in list(self.user.accepted) if job not in self._ended]

    def ended_jobs(self) -> list[str]:
        with self._lock:
            return [job for job in self._ended if job not in self.user.deleted]

    def seen_to_end(self) -> dict[str, str]:
        """The status of each, or `deleted` where it was gone before it was seen."""
        with self._lock:
            return dict(self._ended)

    def look_at_jobs(self) -> None:
        """Ask for what has not ended yet: one page of a list, and what is not on it one by one."""
        answer = self.user.ask("GET", "/v1/jobs?limit=100")
        if answer is None or not answer.is_success:
            return
        listed = {job["id"]: job["status"] for job in answer.json()["data"]}
        for job_id in self.open_jobs():
            status = listed.get(job_id) or self._status(job_id)
            if status in ENDED or status == "deleted":
                with self._lock:
                    self._ended[job_id] = str(status)

    def _status(self, job_id: str) -> str | None:
        answer = self.user.ask("GET", f"/v1/jobs/{job_id}")
        if answer is not None and answer.status_code == 404 and job_id in self.user.deleted:
            return "deleted"
        return str(answer.json()["status"]) if answer is not None and answer.is_success else None


def _one_with(
    processes: list[psutil.Process], mark: str, chance: random.Random | None = None
) -> psutil.Process | None:
    found = []
    for process in processes:
        with suppress(psutil.Error):
            if mark in " ".join(process.cmdline()):
                found.append(process)
    if not found:
        return None
    return chance.choice(found) if chance else found[0]
