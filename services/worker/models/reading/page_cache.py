"""Brings files into the page cache in large sequential reads, where there is room for them.

Why: a checkpoint is loaded by memory mapping, which on a disk limited by requests (a hard disk, a network
mount) runs at a tenth of the speed of 16 MiB reads; where bandwidth is the limit it costs nothing.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

from services.worker.machine.resources import read_memory
from services.worker.models.reading.cached_pages import cached_pages

READ_BYTES = 16 * 1024**2
LARGEST_SHARE_OF_MEMORY = 0.9


def read_into_page_cache(
    files: Iterable[Path], available_bytes: int | None, on_read: Callable[[int], None]
) -> int:
    """Read the files that are not in memory once through, 16 MiB at a time; returns the bytes read.

    Reads nothing when all files together exceed 90 % of `available_bytes`: they would push each other out
    again. `on_read` is told the bytes done so far.
    """
    paths = list(files)
    total = sum(path.stat().st_size for path in paths)
    cold = [path for path in paths if cached_pages(path).ratio != 1]
    if not cold or (available_bytes is not None and total > LARGEST_SHARE_OF_MEMORY * available_bytes):
        return 0
    buffer, done = bytearray(READ_BYTES), 0
    for path in cold:
        with path.open("rb", buffering=0) as stream:
            while count := stream.readinto(buffer):
                done += count
                on_read(done)
    return done


def fits_into_page_cache(files: Iterable[Path]) -> bool:
    """Whether memory has room for all of the files at once, as far as that is known."""
    available = available_memory_bytes()
    total = sum(path.stat().st_size for path in files)
    return available is None or total <= LARGEST_SHARE_OF_MEMORY * available


def available_memory_bytes() -> int | None:
    """What this process may take now without swapping, within its container's limit; None where unknown."""
    return read_memory().usable_bytes
