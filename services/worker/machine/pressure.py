"""What held this process up while it worked: swap, waiting for memory, a limit of processors."""

import mmap
import time
from pathlib import Path

from services.worker.machine.resources import group_folders, waited_seconds
from shared.reports.machine import Pressure


class PressureWatch:
    """Begins to watch when it is made; `root` is another machine's recorded /proc and /sys."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root, self._before, self._started = root, _counters(root), time.perf_counter()

    def read(self) -> Pressure:
        """What there was since then."""
        seconds = time.perf_counter() - self._started
        after = _counters(self._root)
        grown = {name: after[name] - self._before[name] for name in self._before.keys() & after.keys()}
        swapped, stalled, periods = grown.get("pswpin"), grown.get("stalled"), grown.get("nr_periods")
        return Pressure(
            seconds=seconds,
            swapped_in_bytes=None if swapped is None else int(swapped) * mmap.PAGESIZE,
            memory_stalled_ratio=None if stalled is None or not seconds else min(1.0, stalled / seconds),
            processor_limit=processor_limit(self._root),
            processor_throttled_ratio=grown.get("nr_throttled", 0.0) / periods if periods else None,
        )


def processor_limit(root: Path = Path("/")) -> float | None:
    """Processors that this process's control groups allow it to use."""
    limits = [limit for folder in group_folders("cpu", root) if (limit := _limit(folder)) is not None]
    return min(limits, default=None)


def _counters(root: Path) -> dict[str, float]:
    """Those of swap and memory, and of the innermost group with a limit of processors."""
    limited = [folder for folder in group_folders("cpu", root) if _limit(folder) is not None]
    found = _rows(root / "proc/vmstat") | (_rows(limited[0] / "cpu.stat") if limited else {})
    stalled = waited_seconds("memory", root)
    return found if stalled is None else found | {"stalled": stalled}


def _limit(folder: Path) -> float | None:
    """Processors that a group of either version allows."""
    try:
        if (folder / "cpu.max").exists():
            quota, period = (folder / "cpu.max").read_text().split()
        else:
            quota = (folder / "cpu.cfs_quota_us").read_text().strip()
            period = (folder / "cpu.cfs_period_us").read_text().strip()
        return int(quota) / int(period) if quota not in ("max", "-1") else None
    except (OSError, ValueError, ZeroDivisionError):
        return None


def _rows(path: Path) -> dict[str, float]:
    """Lines of a name and a number."""
    try:
        rows = [line.split() for line in path.read_text().splitlines()]
    except OSError:
        return {}
    return {row[0]: float(row[1]) for row in rows if len(row) == 2 and row[1].isdigit()}
