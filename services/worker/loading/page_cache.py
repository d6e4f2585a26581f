"""How much of a file is in memory already, and bringing the rest there in large sequential reads.

Why: a checkpoint is loaded by memory mapping, which on a disk limited by requests (a hard disk, a network
mount) runs at a tenth of the speed of 16 MiB reads; where bandwidth is the limit it costs nothing.
"""

import ctypes
import mmap
import os
from collections.abc import Callable, Iterable
from pathlib import Path

READ_BYTES = 16 * 1024**2
LARGEST_SHARE_OF_MEMORY = 0.9
_CACHESTAT_CALL = 451  # Linux ≥ 6.5, the same number on every architecture


class _Range(ctypes.Structure):
    _fields_ = (("offset", ctypes.c_uint64), ("length", ctypes.c_uint64))


class _CacheStat(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_uint64) for name in ("cached", "dirty", "writeback", "evicted", "recently_evicted")
    )


def resident_bytes(file: Path) -> int | None:
    """Bytes of `file` in the page cache, to the page; None where the system won't say.

    Asks cachestat(2), then mincore(2).
    """
    with file.open("rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        if size == 0:
            return 0
        pages = _cachestat_pages(stream.fileno(), size)
        if pages is None:
            pages = _mincore_pages(stream.fileno(), size)
    return None if pages is None else min(size, pages * mmap.PAGESIZE)


def read_into_cache(
    files: Iterable[Path], available_bytes: int | None, on_read: Callable[[int], None]
) -> int:
    """Read the files that are not in memory once through, 16 MiB at a time; returns the bytes read.

    Reads nothing when all files together exceed 90 % of `available_bytes`: they would push each other out
    again. `on_read` is told the bytes done so far.
    """
    paths = list(files)
    total = sum(path.stat().st_size for path in paths)
    cold = [path for path in paths if resident_bytes(path) != path.stat().st_size]
    if not cold or (available_bytes is not None and total > LARGEST_SHARE_OF_MEMORY * available_bytes):
        return 0
    buffer, done = bytearray(READ_BYTES), 0
    for path in cold:
        with path.open("rb", buffering=0) as stream:
            while count := stream.readinto(buffer):
                done += count
                on_read(done)
    return done


def available_memory_bytes() -> int | None:
    """What the system could give without swapping (MemAvailable), bounded by this container's limit."""
    amounts = [amount for amount in (_mem_available(), _cgroup_headroom()) if amount is not None]
    return min(amounts, default=None)


def _cachestat_pages(descriptor: int, size: int) -> int | None:
    libc = ctypes.CDLL(None, use_errno=True)
    stat = _CacheStat()
    result = libc.syscall(
        _CACHESTAT_CALL, descriptor, ctypes.byref(_Range(0, size)), ctypes.byref(stat), ctypes.c_uint(0)
    )
    return int(stat.cached) if result == 0 else None


def _mincore_pages(descriptor: int, size: int) -> int | None:
    libc = ctypes.CDLL(None, use_errno=True)
    count = -(-size // mmap.PAGESIZE)
    flags = (ctypes.c_ubyte * count)()
    with mmap.mmap(descriptor, size, prot=mmap.PROT_READ | mmap.PROT_WRITE, flags=mmap.MAP_PRIVATE) as mapped:
        view = (ctypes.c_char * size).from_buffer(mapped)
        result = libc.mincore(ctypes.byref(view), ctypes.c_size_t(size), flags)
        del view
    return sum(flag & 1 for flag in flags) if result == 0 else None


def _mem_available() -> int | None:
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    return None


def _cgroup_headroom() -> int | None:
    """Memory left to this container under cgroup 2; pages of files count as free: the kernel drops them."""
    folder = Path("/sys/fs/cgroup")
    try:
        limit = int((folder / "memory.max").read_text(encoding="ascii"))
        used = int((folder / "memory.current").read_text(encoding="ascii"))
        fields = (line.split() for line in (folder / "memory.stat").read_text(encoding="ascii").splitlines())
        files = next((int(field[1]) for field in fields if field[0] == "file"), 0)
    except (OSError, ValueError):
        return None
    return max(0, limit - used + files)
