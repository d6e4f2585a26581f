"""Reads a whole file once into memory of its own, as fast as its storage goes, and hashes it on the way.

Reads of 16 MiB, because a storage limited by requests runs at a tenth of its speed by smaller ones; past the
page cache where the file is not in it, which saves a copy and leaves other files' pages alone.
"""

import ctypes
import hashlib
import mmap
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch

from services.worker.loading.cached_pages import cached_pages

READ_BYTES = 16 * 1024**2
_BLOCK_BYTES = 4096  # what O_DIRECT wants offsets and lengths to be multiples of
_MOSTLY_CACHED = 0.5
_POPULATED_BYTES = 32 * 1024**2
_MADV_POPULATE_WRITE = 23  # linux/mman.h
_O_DIRECT: int | None = getattr(os, "O_DIRECT", None)


def read_file(path: Path, on_read: Callable[[int], None]) -> tuple[torch.Tensor, str]:
    """The file's bytes as a uint8 tensor, and their SHA-256.

    The tensor's memory begins at a page, so that views of it are as aligned as the file's own offsets.
    `on_read` is told the bytes done so far and may raise. Raises OSError.
    """
    size = path.stat().st_size
    whole_blocks = max(_BLOCK_BYTES, -(-size // _BLOCK_BYTES) * _BLOCK_BYTES)
    buffer = mmap.mmap(-1, whole_blocks, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    content, view = torch.frombuffer(buffer, dtype=torch.uint8), memoryview(buffer)
    digest = hashlib.sha256()
    # Memory is got ready ahead of the reads, and what has come is hashed behind them; none of the three holds
    # the interpreter's lock meanwhile. Huge pages would come in one go, but making room for them can stall.
    with ThreadPoolExecutor(1) as populating, ThreadPoolExecutor(1) as hashing:
        for begin in range(0, whole_blocks, _POPULATED_BYTES):
            address = content.data_ptr() + begin
            populating.submit(_populate, address, min(_POPULATED_BYTES, whole_blocks - begin))
        try:
            for begin, end in _pieces(path, view, size):
                hashing.submit(digest.update, view[begin:end])
                on_read(end)
        finally:
            populating.shutdown(wait=True, cancel_futures=True)
    return content[:size], digest.hexdigest()


def _populate(address: int, length: int) -> None:
    """Map pages for writing without changing them; where the kernel is older than 5.14 the read does it."""
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None)
    libc.madvise(ctypes.c_void_p(address), ctypes.c_size_t(length), ctypes.c_int(_MADV_POPULATE_WRITE))


def _pieces(path: Path, view: memoryview, size: int) -> Iterator[tuple[int, int]]:
    """Fill `view` from the file, yielding each span once it is there."""
    descriptor, direct = _open(path)
    try:
        done = 0
        while done < size:
            wanted = min(READ_BYTES, len(view) - done)
            try:
                count = os.preadv(descriptor, [view[done : done + wanted]], done)
            except OSError:
                if not direct:
                    raise
                # Some filesystems take the flag and refuse the read.
                os.close(descriptor)
                descriptor, direct = os.open(path, os.O_RDONLY), False
                continue
            if count == 0:
                raise OSError(f"{path} ended at byte {done} of {size}: it was cut short while it was read")
            begin, done = done, min(size, done + count)
            if direct and done < size and done % _BLOCK_BYTES:
                os.close(descriptor)
                descriptor, direct = os.open(path, os.O_RDONLY), False
            yield begin, done
    finally:
        os.close(descriptor)


def _open(path: Path) -> tuple[int, bool]:
    if _O_DIRECT is not None and (cached_pages(path).ratio or 0.0) < _MOSTLY_CACHED:
        try:
            return os.open(path, os.O_RDONLY | _O_DIRECT), True
        except OSError:
            pass  # tmpfs and some network filesystems have none
    return os.open(path, os.O_RDONLY), False
