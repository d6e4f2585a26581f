"""Signs of life between the worker's two processes: each gives them, and each ends the other when it hangs.

A process hangs when it is stopped, or when something holds its interpreter lock for good: then not even its
threads run. So the sign comes from a thread, and says nothing of a job that makes no progress; the lifeline
looks after that. A sign is the time of an empty file, which a full disk takes, too.
"""

import logging
import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

from services.worker.process.child_pause import EarlyDeaths
from services.worker.process.paths import state_file, worker_folder
from shared.life_sign import life_sign
from shared.silence import Silence
from shared.steady_thread import SteadyThread

logger = logging.getLogger(__name__)

PULSE_SECONDS = 1.0
START_PATIENCE = 3.0  # times as long for a process that gave no sign yet: it may be reading its libraries


class Pulse:
    """Gives this process's sign every second, from a thread of its own, and then looks at `others`.

    A disk that takes no sign keeps it from looking: the others can give none either.
    """

    def __init__(self, data_dir: Path, host: str, others: Callable[[], None]) -> None:
        worker_folder(data_dir)
        self._path = life_sign(data_dir, host, os.getpid())
        self._others = others

    def start(self) -> None:
        SteadyThread("pulse", self._turn).start()

    def _turn(self) -> float:
        try:
            self._path.touch()
        except OSError:
            return PULSE_SECONDS
        self._others()
        return PULSE_SECONDS


class Watch:
    """What one of the worker's processes knows of another's signs; ends it when it is silent for too long."""

    def __init__(self, data_dir: Path, host: str, pid: int, hang_seconds: float) -> None:
        self.pid = pid
        self.silent_seconds = 0.0
        self._path = life_sign(data_dir, host, pid)
        self._hang_seconds = hang_seconds
        self._silence = Silence(PULSE_SECONDS)
        self._is_ended = False

    def look(self) -> None:
        """Expected every `PULSE_SECONDS`."""
        try:
            sign = self._path.stat().st_mtime_ns
        except OSError:
            sign = None
        self.silent_seconds = self._silence.after(sign)
        limit = self._hang_seconds * (START_PATIENCE if sign is None else 1)
        if self.silent_seconds > limit and not self._is_ended:
            self._is_ended = True
            logger.error(
                "the process %d gave no sign of life for %.0f s; ending it", self.pid, self.silent_seconds
            )
            os.kill(self.pid, signal.SIGKILL)


class ChildWatch:
    """The main process's eye on its children: Celery starts another one when one has ended."""

    def __init__(self, data_dir: Path, host: str, hang_seconds: float) -> None:
        self._data_dir, self._host, self._hang_seconds = data_dir, host, hang_seconds
        self._watches: dict[int, Watch] = {}
        self._early_deaths = EarlyDeaths(state_file(data_dir, host))

    @property
    def silent_seconds(self) -> float:
        """Of the most silent child; 0 without one."""
        return max((watch.silent_seconds for watch in self._watches.values()), default=0.0)

    def look(self) -> None:
        pids = pool_children()
        for pid in self._watches.keys() - pids:
            self._early_deaths.count(pid)
            with suppress(OSError):  # a disk that is read-only
                life_sign(self._data_dir, self._host, pid).unlink(missing_ok=True)
        self._watches = {
            pid: self._watches.get(pid) or Watch(self._data_dir, self._host, pid, self._hang_seconds)
            for pid in pids
        }
        for watch in self._watches.values():
            watch.look()


def pool_children() -> set[int]:
    """The process ids of Celery's pool; what else this process started (a tracker of resources) is none."""
    children = set()
    for child in psutil.Process().children():
        try:
            if "--billiard-fork" in child.cmdline():
                children.add(child.pid)
        except psutil.Error:
            continue  # it has just ended
    return children
