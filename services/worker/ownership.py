"""Who may use the device: the process that holds its lock for as long as it lives.

The lock is an flock, so the kernel lets go of it when the process dies, and never before. Whoever gets it
knows that its predecessor is gone, and puts the predecessor's job back into the queue at once.
"""

import fcntl
import logging
import os
import secrets
import time
from pathlib import Path

from shared.errors import StoreUnavailable
from shared.worker_store import WorkerStore

logger = logging.getLogger(__name__)

RETRY_SECONDS = 0.2


class DeviceOwnership:
    """Taken once in a process's life and kept until its end."""

    def __init__(self, lock_path: Path, store: WorkerStore, *, host: str, crash_limit: int) -> None:
        self.host = host
        self.boot = secrets.token_hex(8)
        self._lock_path = lock_path
        self._store = store
        self._crash_limit = crash_limit
        self._descriptor: int | None = None

    def take(self) -> list[str]:
        """Wait for the device, then requeue what its last owner held; returns those jobs' ids."""
        self._descriptor = self._wait_for_lock()
        return self._recover()

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
                time.sleep(RETRY_SECONDS)

    def _recover(self) -> list[str]:
        while True:
            try:
                return self._store.recover(host=self.host, boot=self.boot, crash_limit=self._crash_limit)
            except StoreUnavailable:
                time.sleep(RETRY_SECONDS)
