"""Ways of reading a region of a file, timed: past the page cache, through it, by mapping, and again."""

import mmap
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from services.worker.models.reading.cached_pages import make_cold
from services.worker.models.reading.large_reads import CutShort
from services.worker.models.reading.mapped_pages import require_mapped
from shared.messages.message import Message, say

MIB = 1024**2
_DIRECT_READ_BYTES = 8 * MIB
BUFFERED_READ_BYTES = 16 * MIB
_BEGINNING_SECONDS = 0.12  # the kernel's own limits give credit for a tenth of a second
_LEAST_MAPPED_BYTES = 4 * MIB  # more than the kernel reads ahead in one go, which would count as ours
_LARGEST_CACHED_RATIO = 0.02  # of a region that counts as cold; its edges may have been read ahead
_O_DIRECT: int | None = getattr(os, "O_DIRECT", None)


class Region(NamedTuple):
    path: Path
    offset: int
    length: int


class Mark(NamedTuple):
    """How much had been read when."""

    read_bytes: int
    seconds: float


class Sample(NamedTuple):
    """What was read in which time. `begun` is the mark at which the beginning was over, if it was.

    Disks, and limits set on them, let the first bytes after a pause through faster.
    """

    read_bytes: int
    seconds: float
    begun: Mark | None = None


class Unmeasured(Exception):
    """Why a region could not be read as wanted."""

    def __init__(self, said: Message) -> None:
        super().__init__(said)
        self.said = said


def read_cold_buffered(region: Region, deadline: float, tick: Callable[[], None]) -> Sample:
    _require_cold(region)
    return _read_buffered(region, deadline, tick)


def read_cold_mapped(region: Region, deadline: float, tick: Callable[[], None]) -> Sample:
    _require_cold(region)
    start = region.offset // mmap.ALLOCATIONGRANULARITY * mmap.ALLOCATIONGRANULARITY
    into = bytearray(MIB)
    with region.path.open("rb") as stream:
        end = region.offset + region.length
        _require_length(stream.fileno(), region.path, end)
        started = time.perf_counter()
        with mmap.mmap(stream.fileno(), end - start, offset=start, access=mmap.ACCESS_READ) as mapped:
            address = np.frombuffer(mapped, dtype=np.uint8).ctypes.data
            done, skipped, marks = 0, region.offset - start, list[Mark]()
            while done < region.length and (done < _LEAST_MAPPED_BYTES or time.perf_counter() < deadline):
                count = min(MIB, region.length - done)
                try:
                    require_mapped(address + skipped + done, count)
                except OSError:
                    _require_length(stream.fileno(), region.path, end)
                    raise
                with memoryview(mapped) as view, view[skipped + done : skipped + done + count] as piece:
                    into[:count] = piece
                done += count
                marks.append(Mark(done, time.perf_counter() - started))
                tick()
        return _sample(marks)


def _require_length(descriptor: int, path: Path, length: int) -> None:
    """Raises `CutShort`."""
    if (size := os.fstat(descriptor).st_size) < length:
        raise CutShort(path, done=size, size=length)


def read_cold_direct(region: Region, deadline: float, tick: Callable[[], None]) -> Sample:
    return read_direct(region, _DIRECT_READ_BYTES, deadline, tick)


def read_warm(region: Region, deadline: float, tick: Callable[[], None]) -> Sample:
    _read_buffered(region, None, tick)
    return _read_buffered(region, None, tick)


def _require_cold(region: Region) -> None:
    left = make_cold(region.path, region.offset, region.length)
    if left.ratio is not None and left.ratio > _LARGEST_CACHED_RATIO:
        raise Unmeasured(say("stayed-in-memory-piece", stayed_ratio=left.ratio))


def _read_buffered(region: Region, deadline: float | None, tick: Callable[[], None]) -> Sample:
    with region.path.open("rb", buffering=0) as stream:
        return _read(stream.fileno(), region, BUFFERED_READ_BYTES, deadline, tick)


def read_direct(region: Region, size: int, deadline: float, tick: Callable[[], None]) -> Sample:
    if _O_DIRECT is None:
        raise Unmeasured(say("no-direct-reads-piece"))
    try:
        descriptor = os.open(region.path, os.O_RDONLY | _O_DIRECT)
        try:
            return _read(descriptor, region, size, deadline, tick)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise Unmeasured(say("direct-read-failed-piece", error=error.strerror)) from error


def _read(
    descriptor: int, region: Region, size: int, deadline: float | None, tick: Callable[[], None]
) -> Sample:
    """Read the region front to back; at least one read, however late it is."""
    done, marks = 0, list[Mark]()
    with mmap.mmap(-1, size) as buffer:  # page-aligned, as O_DIRECT wants it
        buffer[:] = bytes(size)  # its pages exist before the clock runs
        started = time.perf_counter()
        while done < region.length and (done == 0 or deadline is None or time.perf_counter() < deadline):
            view = memoryview(buffer)[: min(size, region.length - done)]
            count = os.preadv(descriptor, [view], region.offset + done)
            view.release()
            done += count
            if count == 0:
                break
            marks.append(Mark(done, time.perf_counter() - started))
            tick()
        return _sample(marks)


def _sample(marks: list[Mark]) -> Sample:
    end = marks[-1] if marks else Mark(0, 0.0)
    begun = next((mark for mark in marks if mark.seconds >= _BEGINNING_SECONDS), None)
    return Sample(*end, begun)
