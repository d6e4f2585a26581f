"""The most memory that a stretch of work held."""

from contextlib import suppress
from pathlib import Path

import psutil
import torch

from services.worker.machine.heap import bytes_in_use, give_back_free

_CLEAR = Path("/proc/self/clear_refs")
_STATUS = Path("/proc/self/status")
_PEAK_OF_RESIDENT_SET = "5"  # proc(5): resets VmHWM to the present resident set


class _Marks:
    """Of this process, as torch keeps one of a card: what of its heap was in use at most since `restart`
    (`highest`), and what it holds beside its heap (`beside`), in bytes.
    """

    highest = 0
    beside: int | None = None

    def restart(self) -> None:
        self.highest = 0
        self.look()

    def look(self) -> None:
        if (now := bytes_in_use()) is not None and now > self.highest:
            self.highest = now


_marks = _Marks()


def look_at_memory(device: torch.device) -> None:
    """To be called when much is held: after a micro-batch's forward pass, which keeps all for the backward
    pass. On a card torch itself looks.
    """
    if device.type != "cuda":
        _marks.look()


class PeakMemory:
    """Bytes, all of them and not only what the work added.

    On a card: what torch's allocator handed out at most. On a processor: what this process's heap had in use
    at most, at the moments of `look_at_memory`, and what is resident beside the heap: programs, mapped files,
    the model. What the allocators keep free for later is in neither. Without glibc's figures: the highest
    resident set.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._restarted = False

    def restart(self) -> None:
        """From here on the peak counts anew, for every `PeakMemory` of the device."""
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self._device)
            return
        if _marks.beside is None:
            bytes_now(self._device)
        _marks.restart()
        self._restarted = False
        with suppress(OSError):
            _CLEAR.write_text(_PEAK_OF_RESIDENT_SET)
            self._restarted = True

    def read(self) -> int | None:
        """None where the system does not say: without the right to restart, an earlier peak would be told."""
        if self._device.type == "cuda":
            return int(torch.cuda.max_memory_allocated(self._device))
        if _marks.beside is None:
            return _peak_of_process() if self._restarted else None
        _marks.look()
        return _marks.beside + _marks.highest


def bytes_now(device: torch.device) -> int:
    """What `PeakMemory` would read if nothing more were held. On a processor what the heap has free is given
    back, so that it does not count: not for between two micro-batches, since getting it anew takes time.
    """
    if device.type == "cuda":
        return int(torch.cuda.memory_allocated(device))
    give_back_free()
    resident, in_use = int(psutil.Process().memory_info().rss), bytes_in_use()
    _marks.beside = None if in_use is None else max(0, resident - in_use)
    return resident


def _peak_of_process() -> int | None:
    try:
        lines = _STATUS.read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), None)
