"""How fast this process takes in bytes that no storage holds up: the bound of a load from memory."""

import os
import time
from pathlib import Path

from services.worker.models.reading.large_reads import read_file

SAMPLE_BYTES = 128 * 1024**2
_PIECE_BYTES = 16 * 1024**2
_REPEATS = 3


def intake_bytes_per_second() -> float | None:
    """The best of three reads of 128 MiB out of memory, by the way a prepared copy is read and hashed.

    None where the system has no files in memory, or no room for this one.
    """
    try:
        descriptor = os.memfd_create("tunedock-intake")
    except (OSError, AttributeError):
        return None
    try:
        piece = os.urandom(_PIECE_BYTES)
        for _ in range(SAMPLE_BYTES // _PIECE_BYTES):
            os.write(descriptor, piece)
        return max(_rate(Path(f"/proc/self/fd/{descriptor}")) for _ in range(_REPEATS))
    except (OSError, MemoryError):
        return None
    finally:
        os.close(descriptor)


def _rate(path: Path) -> float:
    started = time.perf_counter()
    read_file(path, lambda done: None)
    return SAMPLE_BYTES / (time.perf_counter() - started)
