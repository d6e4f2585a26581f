"""Which pages of a file the kernel keeps in memory, in any range, and how to put them out.

Kernel calls without a Python wrapper go through ctypes; where one is refused the next is tried, and the last
answer is "unknown" rather than an error.
"""

import contextlib
import ctypes
import mmap
import os
import sys
import time
from pathlib import Path
from typing import Literal

from shared.schemas.frozen import Frozen

_CACHESTAT = 451  # the same number on every 64-bit Linux architecture; Linux 6.5 and later
# The kernel drops a large folio only when it lies wholly inside the range, and one can have as much as this.
FOLIO_BYTES = 2 * 1024**2
_READ_AHEAD_ARRIVES_SECONDS = (0.005, 0.02, 0.08)
_WINDOW_BYTES = 1 << 30  # mincore answers one byte a page: 256 KiB a window


class CachedPages(Frozen):
    """How many bytes of a range of a file lie in the page cache, rounded up to whole pages."""

    range_bytes: int
    cached_bytes: int | None
    method: Literal["cachestat", "mincore", "unknown"]

    @property
    def ratio(self) -> float | None:
        """Cached share, 0 to 1; an empty range counts as 0."""
        if self.cached_bytes is None:
            return None
        return min(1.0, self.cached_bytes / self.range_bytes) if self.range_bytes else 0.0


class _Range(ctypes.Structure):
    _fields_ = (("offset", ctypes.c_uint64), ("length", ctypes.c_uint64))


class _CacheStat(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_uint64) for name in ("cached", "dirty", "writeback", "evicted", "recently_evicted")
    )


def cached_pages(path: Path, offset: int = 0, length: int | None = None) -> CachedPages:
    """What is cached of `path` from `offset`, a multiple of the page, over `length` bytes or to the end."""
    with path.open("rb", buffering=0) as stream:
        descriptor = stream.fileno()
        rest = max(0, os.fstat(descriptor).st_size - offset)
        return _cached(descriptor, offset, rest if length is None else min(length, rest))


def make_cold(path: Path, offset: int = 0, length: int | None = None) -> CachedPages:
    """Drop the clean pages of the range from the cache and say what stayed.

    What is dropped reaches to the next multiples of `FOLIO_BYTES` on both sides. Pages that some process maps
    stay, and so does everything on a memory filesystem: only the answer tells whether the range is cold.
    Dirty pages are written first. Touches no other file and needs no privilege. Asks again for a moment while
    pages stay: what the kernel is still reading ahead cannot be dropped before it has arrived.
    """
    if length == 0:
        return cached_pages(path, offset, length)
    start = offset // FOLIO_BYTES * FOLIO_BYTES
    end = 0 if length is None else -(-(offset + length) // FOLIO_BYTES) * FOLIO_BYTES
    with path.open("rb", buffering=0) as stream:
        # A filesystem mounted read-only may refuse; nothing is dirty there.
        with contextlib.suppress(OSError):
            os.fsync(stream.fileno())
        for pause_seconds in _READ_AHEAD_ARRIVES_SECONDS:
            _drop(stream.fileno(), start, max(0, end - start))
            if not cached_pages(path, offset, length).cached_bytes:
                break
            time.sleep(pause_seconds)
        _drop(stream.fileno(), start, max(0, end - start))
    return cached_pages(path, offset, length)


def _drop(descriptor: int, offset: int, length: int) -> None:
    with contextlib.suppress(OSError, AttributeError):  # not every Unix has this advice
        os.posix_fadvise(descriptor, offset, length, os.POSIX_FADV_DONTNEED)


def _cached(descriptor: int, offset: int, length: int) -> CachedPages:
    if length == 0:
        return CachedPages(range_bytes=0, cached_bytes=0, method="cachestat")
    if (cached := ask_cachestat(descriptor, offset, length)) is not None:
        return CachedPages(range_bytes=length, cached_bytes=cached, method="cachestat")
    if (cached := ask_mincore(descriptor, offset, length)) is not None:
        return CachedPages(range_bytes=length, cached_bytes=cached, method="mincore")
    return CachedPages(range_bytes=length, cached_bytes=None, method="unknown")


def ask_cachestat(descriptor: int, offset: int, length: int) -> int | None:
    """Cached bytes by cachestat(2), or None where it is refused."""
    if sys.platform != "linux":
        return None  # the number means another call elsewhere
    libc = ctypes.CDLL(None, use_errno=True)
    asked, answer = _Range(offset, length), _CacheStat()
    if libc.syscall(_CACHESTAT, descriptor, ctypes.byref(asked), ctypes.byref(answer), ctypes.c_uint(0)) == 0:
        return int(answer.cached) * mmap.PAGESIZE
    return None


def ask_mincore(descriptor: int, offset: int, length: int) -> int | None:
    """Cached bytes by mincore(2), or None where it is refused.

    About files the caller neither owns nor may write mincore answers "all", so it is not asked then.
    """
    status = os.fstat(descriptor)
    if os.geteuid() not in (0, status.st_uid) and not os.access(f"/proc/self/fd/{descriptor}", os.W_OK):
        return None
    cached = 0
    for start in range(offset, offset + length, _WINDOW_BYTES):
        window = _mincore_window(descriptor, start, min(_WINDOW_BYTES, offset + length - start))
        if window is None:
            return None
        cached += window
    return cached


def _mincore_window(descriptor: int, offset: int, length: int) -> int | None:
    # Python's own mmap gives no address of a read-only mapping.
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mmap.restype = ctypes.c_void_p
    size, number = ctypes.c_size_t, ctypes.c_int
    libc.mmap.argtypes = (ctypes.c_void_p, size, number, number, number, ctypes.c_long)
    address = libc.mmap(None, length, mmap.PROT_READ, mmap.MAP_SHARED, descriptor, offset)
    if address in (None, ctypes.c_void_p(-1).value):
        return None
    try:
        pages = (ctypes.c_ubyte * -(-length // mmap.PAGESIZE))()
        if libc.mincore(ctypes.c_void_p(address), size(length), pages) != 0:
            return None
        return sum(page & 1 for page in bytes(pages)) * mmap.PAGESIZE
    finally:
        libc.munmap(ctypes.c_void_p(address), size(length))
