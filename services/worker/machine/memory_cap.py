"""A bound on what torch takes of a card, below the point where the driver would take main memory instead.

Under Windows, and so in WSL 2, a card's allocation that does not fit is no error: it lies in main memory, and
every step waits for it. With the bound torch's allocator raises first, and the run makes do with less.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import torch

# Seen to work: 0.944 of a 24 GB card under WSL 2, 0.95 not (club-3090 #102). What this process holds beside
# torch's allocator, up to 1.3 GB there, is no longer free when this is reckoned.
SHARE_LEFT = 0.056
LEFT_AT_LEAST_BYTES = 600_000_000


@dataclass(frozen=True)
class MemoryCap:
    """`allowed_bytes` are what torch's allocator may hold, `left_bytes` what stays free beside that."""

    allowed_bytes: int
    left_bytes: int
    total_bytes: int

    @property
    def ratio(self) -> float:
        return min(1.0, self.allowed_bytes / self.total_bytes)


def spills_silently(root: Path = Path("/")) -> bool:
    """Whether this is Windows or WSL 2; `root` is another machine's recorded /proc and /dev."""
    if sys.platform == "win32" or (root / "dev/dxg").exists():
        return True
    try:
        return "microsoft" in (root / "proc/version").read_text().lower()
    except OSError:
        return False


def find_cap(
    *, free_bytes: int, held_bytes: int, total_bytes: int, wanted_bytes: int | None, spills: bool
) -> MemoryCap | None:
    """For a card with `free_bytes` beside the `held_bytes` of this process's allocator. None: no bound.

    `wanted_bytes` are to stay free (None: as many as a machine that spills needs, else none). What is held
    already stays allowed.
    """
    if wanted_bytes is None and not spills:
        return None
    left = wanted_bytes if wanted_bytes is not None else _left_for_windows(total_bytes)
    allowed = max(held_bytes, min(free_bytes + held_bytes, total_bytes) - left)
    return MemoryCap(allowed, left, total_bytes) if left else None


def cap_memory(device: torch.device, wanted_bytes: int | None) -> MemoryCap | None:
    """Bound torch's allocator by what is free now; a bound of before is taken back where there is none."""
    if device.type != "cuda":
        return None
    total = torch.cuda.get_device_properties(device).total_memory  # what torch takes the share of
    cap = find_cap(
        free_bytes=torch.cuda.mem_get_info(device)[0],
        held_bytes=torch.cuda.memory_reserved(device),
        total_bytes=total,
        wanted_bytes=wanted_bytes,
        spills=spills_silently(),
    )
    torch.cuda.set_per_process_memory_fraction(cap.ratio if cap else 1.0, device)
    return cap


def _left_for_windows(total_bytes: int) -> int:
    return max(LEFT_AT_LEAST_BYTES, int(SHARE_LEFT * total_bytes))
