"""Keeps jobs moving when a message or a process is lost: a thread of the worker's main process, no torch."""

import logging
import os
import signal
import threading
import time
from pathlib import Path

from services.worker import metrics
from services.worker.process.paths import life_sign
from shared.errors import StoreUnavailable
from shared.queue import Doorbell
from shared.settings import Settings
from shared.worker_store import WorkerStore

logger = logging.getLogger(__name__)

ALIVE_SECONDS = 30.0  # a worker that spoke within so long may take a job
HANG_SECONDS = 60.0  # a child whose life sign is older than this holds the interpreter lock or is stopped


class Janitor:
    """Every few seconds: says that the worker lives, rings, takes over silent jobs, ends a hung child."""

    def __init__(self, settings: Settings, store: WorkerStore, doorbell: Doorbell) -> None:
        self._settings = settings
        self._store = store
        self._doorbell = doorbell
        self._store_answers_since = time.monotonic()
        self._begun = False

    def start(self) -> None:
        threading.Thread(target=self._work, name="janitor", daemon=True).start()

    def _work(self) -> None:
        while True:
            self.round()
            time.sleep(self._settings.janitor_seconds)

    def round(self) -> None:
        """Look after everything once; whatever fails is tried again in the next round."""
        try:
            if not self._begun:
                self._store.forget_worker(self._settings.worker_host)
                self._begun = True
            self._look_after_jobs()
        except StoreUnavailable as refusal:
            logger.warning("%s", refusal.message)
            self._store_answers_since = time.monotonic()
        except Exception:
            logger.exception("a round of the janitor failed")

    def _look_after_jobs(self) -> None:
        self._end_hung_child()
        metrics.forget_dead_processes()
        self._store.worker_beat(self._settings.worker_host, {"pid": str(os.getpid())})
        self._reap()
        self._ring()

    def _ring(self) -> None:
        """Once for each idle worker that a waiting job could start on, less the rings nobody has taken yet.

        A worker that is busy takes none, so it is one of the idle that hears it.
        """
        wanted = self._store.wanted_rings(alive_seconds=ALIVE_SECONDS)
        if wanted:
            for _ in range(wanted - self._doorbell.waiting_rings()):
                self._doorbell.ring("waiting jobs")

    def _reap(self) -> None:
        """A store that was away lets leases run out under live workers; give those time to beat."""
        patience = max(self._settings.reap_grace_seconds, self._settings.lease_seconds)
        answers_seconds = time.monotonic() - self._store_answers_since
        if min(self._store.uptime_seconds(), answers_seconds) <= patience:
            return
        for job_id in self._store.reap(crash_limit=self._settings.crash_limit):
            logger.warning("the worker of job %s was silent for too long", job_id)

    def _end_hung_child(self) -> None:
        sign = life_sign(self._settings.data_dir, self._settings.worker_host)
        try:
            age, pid = time.time() - sign.stat().st_mtime, int(sign.read_text())
        except (FileNotFoundError, ValueError):
            return
        if age > HANG_SECONDS and _parent_of(pid) == os.getpid():
            logger.error("the child %d gave no life sign for %.0f s; ending it", pid, age)
            os.kill(pid, signal.SIGKILL)


def _parent_of(pid: int) -> int | None:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return int(fields[1])
