"""Whether the worker's main process gives signs of life, as the supervisor sees it.

Its two processes watch each other, which finds one that hangs; this finds both.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path

from shared.life_sign import life_sign

MARGIN_SECONDS = 10.0  # beyond the hang time: the process that is left is to act first
START_PATIENCE = 3.0  # times the hang time for a process that gave no sign yet, as between the two


class WorkerSign:
    """Asked every few seconds; True where the sign moved, or where nobody can tell."""

    def __init__(self, data_dir: Path, host: str, pid: Callable[[], int | None], hang_seconds: float) -> None:
        self._data_dir, self._host, self._pid, self._hang_seconds = data_dir, host, pid, hang_seconds
        self._watched: int | None = None
        self._since = 0.0
        self._last: int | None = None

    def __call__(self) -> bool:
        pid = self._pid()
        if pid is None:
            return True
        if pid != self._watched:
            self._watched, self._since, self._last = pid, time.monotonic(), None
        path = life_sign(self._data_dir, self._host, pid)
        try:
            sign = path.stat().st_mtime_ns
        except OSError:
            is_new = time.monotonic() - self._since < START_PATIENCE * self._hang_seconds
            return is_new or not _takes_signs(path.parent)
        moved, self._last = sign != self._last, sign
        return moved or not _takes_signs(path.parent)


def _takes_signs(folder: Path) -> bool:
    """Whether the disk takes a new file at all: one that does not keeps living processes silent."""
    probe = folder / f".sign-{os.getpid()}"
    try:
        probe.touch()
        probe.unlink()
    except OSError:
        return False
    return True
