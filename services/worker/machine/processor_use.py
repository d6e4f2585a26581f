"""Who has the processors while this process works: itself, others, or a limit."""

import os
import time
from pathlib import Path
from typing import NamedTuple

from services.worker.machine.pressure import processor_limit
from shared.reports.machine import ProcessorUse

_NANOSECONDS = 1e9
_IDLE = slice(3, 5)  # of a line of /proc/stat: idle, and waiting for a disk
_GUEST = slice(8, 10)  # counted in user and nice already
_STAT_USED = slice(11, 13)  # utime and stime, behind the name of a line of /proc/self/stat


class _Counters(NamedTuple):
    """Seconds since boot or since the process began."""

    machine: float | None
    own: float | None
    ran: dict[str, float]
    """By thread; likewise `waited`."""
    waited: dict[str, float]


class ProcessorWatch:
    """Begins to watch when it is made; `root` is another machine's recorded /proc and /sys."""

    def __init__(self, threads: int, root: Path = Path("/")) -> None:
        """`threads`: that the work computes with."""
        self._threads, self._root = threads, root
        self._before, self._started = _counters(root), time.perf_counter()

    def read(self) -> ProcessorUse:
        """What there was since then."""
        seconds = time.perf_counter() - self._started
        before, after = self._before, _counters(self._root)
        own = _grown(before.own, after.own)
        machine = _grown(before.machine, after.machine)
        ran, waited = _sum_of(before.ran, after.ran), _sum_of(before.waited, after.waited)
        return ProcessorUse(
            seconds=seconds,
            processors=processors(self._root),
            threads=self._threads,
            own_processors=None if own is None else own / seconds,
            others_processors=None if own is None or machine is None else max(0.0, machine - own) / seconds,
            waited_ratio=waited / (ran + waited) if ran + waited else None,
        )


def processors(root: Path = Path("/")) -> float:
    """That this process may use: those of its affinity, or fewer by its groups' limit."""
    affinity = getattr(os, "sched_getaffinity", None)  # macOS and Windows have none
    allowed = float(len(affinity(0)) if affinity else os.cpu_count() or 1)
    limit = processor_limit(root)
    return allowed if limit is None else min(allowed, limit)


def _counters(root: Path) -> _Counters:
    ticks = os.sysconf("SC_CLK_TCK")
    ran, waited = {}, {}
    for file in (root / "proc/self/task").glob("*/schedstat"):
        numbers = _numbers(file)
        if len(numbers) >= 2:
            ran[file.parent.name], waited[file.parent.name] = (count / _NANOSECONDS for count in numbers[:2])
    machine = _numbers(root / "proc/stat", skip="cpu")
    own = _numbers(root / "proc/self/stat", skip=")")
    used = sum(machine) - sum(machine[_IDLE]) - sum(machine[_GUEST])
    return _Counters(
        used / ticks if machine else None, sum(own[_STAT_USED]) / ticks if own else None, ran, waited
    )


def _numbers(file: Path, skip: str = "") -> list[float]:
    """Of the first line, behind the last `skip`; words count as 0. Empty where it can't be read."""
    try:
        line = file.read_text().partition("\n")[0]
    except OSError:  # a thread that has ended, or another system
        return []
    words = line.rpartition(skip)[2].split() if skip else line.split()
    return [float(word) if word.lstrip("-").isdigit() else 0.0 for word in words]


def _grown(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else max(0.0, after - before)


def _sum_of(before: dict[str, float], after: dict[str, float]) -> float:
    """By how much the threads that still run have grown."""
    return sum(max(0.0, count - before.get(thread, 0.0)) for thread, count in after.items())
