"""Reads a whole file once into memory of its own, as fast as its storage goes, and hashes it on the way.

Reads of 16 MiB, because a storage limited by requests runs at a tenth of its speed by smaller ones; past the
page cache where the file is not in it, which leaves other files' pages alone. Those go by way of huge pages
(`landing.py`), for which the kernel makes the largest requests: a copy that costs less than it saves.
"""

import ctypes
import hashlib
import mmap
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

import torch

from services.worker.models.reading.cached_pages import cached_pages
from services.worker.models.reading.landing import Landing
from shared.messages.message import say
from shared.messages.render import in_english

READ_BYTES = 16 * 1024**2
_BLOCK_BYTES = 4096  # what O_DIRECT wants offsets and lengths to be multiples of
_MOSTLY_CACHED = 0.5
_POPULATED_BYTES = 32 * 1024**2
_MADV_POPULATE_WRITE = 23  # linux/mman.h
_O_DIRECT: int | None = getattr(os, "O_DIRECT", None)


class CutShort(OSError):
    """A file became shorter while it was read."""

    def __init__(self, path: Path, *, done: int, size: int) -> None:
        self.said = say("file-cut-short", file=path, done=done, size=size)
        super().__init__(in_english(self.said))


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
    source, landing = _Source(path), Landing(READ_BYTES)
    # Memory is got ready ahead of the reads, and what has come is put in its place and hashed behind them;
    # none of these holds the interpreter's lock for long. Huge pages for the whole would come in one go, but
    # making room for them can stall.
    with closing(source), ThreadPoolExecutor(1) as populating, ThreadPoolExecutor(1) as settling:
        for begin in range(0, whole_blocks, _POPULATED_BYTES):
            address = content.data_ptr() + begin
            populating.submit(_populate, address, min(_POPULATED_BYTES, whole_blocks - begin))
        done = 0
        try:
            for place, landed in _pieces(source, view, size, landing):
                settling.submit(_settle, place, landed, landing, digest)
                done += len(place)
                on_read(done)
        finally:
            populating.shutdown(wait=True, cancel_futures=True)
    return content[:size], digest.hexdigest()


def _populate(address: int, length: int) -> None:
    """Map pages for writing without changing them; where the kernel is older than 5.14 the read does it."""
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None)
    libc.madvise(ctypes.c_void_p(address), ctypes.c_size_t(length), ctypes.c_int(_MADV_POPULATE_WRITE))


def _pieces(
    source: "_Source", view: memoryview, size: int, landing: Landing
) -> Iterator[tuple[memoryview, memoryview | None]]:
    """Read the file from front to back, yielding each piece's place in `view` and where it landed."""
    done = 0
    while done < size:
        place = view[done : done + READ_BYTES]
        landed = landing.take() if source.direct else None
        count = source.read(place if landed is None else landed[: len(place)], done)
        if count == 0:
            raise CutShort(source.path, done=done, size=size)
        begin, done = done, min(size, done + count)
        yield view[begin:done], landed


def _settle(place: memoryview, landed: memoryview | None, landing: Landing, digest: "hashlib._Hash") -> None:
    if landed is not None:
        place[:] = landed[: len(place)]
        landing.give_back(landed)
    digest.update(place)


class _Source:
    """A file that is read past the page cache where that works, through it elsewhere."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.direct = False
        if _O_DIRECT is not None and (cached_pages(path).ratio or 0.0) < _MOSTLY_CACHED:
            # tmpfs and some network filesystems have none
            with suppress(OSError):
                self._descriptor = os.open(path, os.O_RDONLY | _O_DIRECT)
                self.direct = True
        if not self.direct:
            self._descriptor = os.open(path, os.O_RDONLY)

    def read(self, into: memoryview, offset: int) -> int:
        """Fill `into` from `offset`, or as much of it as the file gives in one go: how many bytes."""
        try:
            return os.preadv(self._descriptor, [into], offset)
        except OSError:
            if not self.direct:
                raise
        # Some filesystems take the flag and refuse the read; after a short one the offset may be refused.
        direct, self._descriptor = self._descriptor, os.open(self.path, os.O_RDONLY)
        self.direct = False
        os.close(direct)
        return os.preadv(self._descriptor, [into], offset)

    def close(self) -> None:
        os.close(self._descriptor)
