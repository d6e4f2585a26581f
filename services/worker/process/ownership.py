"""Who may use the device: the process that holds its lock for as long as it lives.

The lock is an flock, so the kernel lets go of it when the process dies, and never before. Whoever gets it
knows that its predecessor is gone, and puts the predecessor's job back into the queue at once.
"""

import fcntl
import logging
import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path

from services.worker.process.handover import Handover
from services.worker.process.insist import Insistence
from services.worker.running_job import WorkerDraining
from shared.worker_store import WorkerStore

logger = logging.getLogger(__name__)

RETRY_SECONDS = 0.2


class DeviceOwnership:
    """Taken once in a process's life and kept until its end."""

    def __init__(
        self,
        lock_path: Path,
        store: WorkerStore,
        *,
        host: str,
        crash_limit: int,
        handover: Handover | None = None,
        draining: Callable[[], bool] = lambda: False,
        disk_is_full: Callable[[], bool] = lambda: False,
    ) -> None:
        self.host = host
        self.boot = secrets.token_hex(8)
        self._lock_path = lock_path
        self._store = store
        self._crash_limit = crash_limit
        self._handover = handover
        self._draining = draining
        self._disk_is_full = disk_is_full
        self._insistence = Insistence(draining)
        self._descriptor: int | None = None

    def take(self) -> list[str]:
        """Wait for the device, then requeue what its last owner held; returns those jobs' ids.

        Raises `WorkerDraining` when the worker is shut down before it owns the device.
        """
        self._descriptor = self._wait_for_lock()
        return self._hand_back() + self._recover()

    def _wait_for_lock(self) -> int:
        descriptor = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        told = False
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return descriptor
            except BlockingIOError:
                if not told:
                    logger.warning("another process owns the device (%s); waiting", self._lock_path)
                told = True
                if self._draining():
                    os.close(descriptor)
                    raise WorkerDraining from None
                time.sleep(RETRY_SECONDS)

    def _hand_back(self) -> list[str]:
        """What a drained predecessor could not, since the store was away: no crash is counted for it."""
        claim = self._handover.left() if self._handover else None
        if self._handover is None or claim is None:
            return []
        verdict = self._insistence.ask(lambda: self._store.release(claim))
        self._handover.clear()
        return [claim.job_id] if verdict == "ok" else []

    def _recover(self) -> list[str]:
        return self._insistence.ask(
            lambda: self._store.recover(
                host=self.host,
                boot=self.boot,
                crash_limit=self._crash_limit,
                disk_is_full=self._disk_is_full(),
            )
        )
