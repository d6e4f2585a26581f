"""The most memory that a stretch of work held."""

from contextlib import suppress
from pathlib import Path

import psutil
import torch

_CLEAR = Path("/proc/self/clear_refs")
_STATUS = Path("/proc/self/status")
_PEAK_OF_RESIDENT_SET = "5"  # proc(5): resets VmHWM to the present resident set


class PeakMemory:
    """On a card what torch's allocator held, else this process's resident set; in bytes, all of it, not only
    what the work added.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._restarted = False

    def restart(self) -> None:
        """From here on the peak counts anew."""
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self._device)
            return
        self._restarted = False
        with suppress(OSError):
            _CLEAR.write_text(_PEAK_OF_RESIDENT_SET)
            self._restarted = True

    def read(self) -> int | None:
        """None where the system does not say: without the right to restart, an earlier peak would be told."""
        if self._device.type == "cuda":
            return int(torch.cuda.max_memory_allocated(self._device))
        return _peak_of_process() if self._restarted else None


def bytes_now(device: torch.device) -> int:
    """What `PeakMemory` would read if nothing more were held."""
    if device.type == "cuda":
        return int(torch.cuda.memory_allocated(device))
    return int(psutil.Process().memory_info().rss)


def _peak_of_process() -> int | None:
    try:
        lines = _STATUS.read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), None)
