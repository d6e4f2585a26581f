"""How fast a storage delivers the user's own files: in large reads, by memory mapping, again, and bit by bit.

Bounded in bytes and seconds, and the page cache is left as it was found: a file that was out of memory is put
out again. The regions are spread over the files, since burst credits and outer tracks make beginnings fast.
"""

import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from services.worker.diagnosis.timed_reads import (
    BUFFERED_READ_BYTES,
    MIB,
    Mark,
    Region,
    Sample,
    Unmeasured,
    read_cold_buffered,
    read_cold_direct,
    read_cold_mapped,
    read_direct,
    read_warm,
)
from services.worker.models.reading.cached_pages import cached_pages, make_cold
from shared.messages.message import Message, say
from shared.reports.machine import Latency, Rate, ReadSpeed

LARGEST_SAMPLE_BYTES = 1200 * MIB  # a third of a second for each way of reading a disk of 500 MB/s
SMALLEST_SAMPLE_BYTES = 4 * MIB
_POSITIONS = 3
_SMALL_READ_BYTES = 4096


def measure_read_speed(
    files: Sequence[Path],
    *,
    in_memory: bool = False,
    sample_bytes: int = LARGEST_SAMPLE_BYTES,
    seconds: float = 5.0,
    tick: Callable[[], None] = lambda: None,
) -> ReadSpeed:
    """Read at most `sample_bytes` of `files` in about `seconds`, then small pieces for a quarter of that.

    `in_memory` says that the files lie in a memory filesystem, which has no cold reads. `tick` is called
    between two reads and may raise.
    """
    sizes = [(path, path.stat().st_size) for path in files]
    reason = _unmeasurable(sum(size for _, size in sizes))
    if reason is not None:
        missing = Rate(reason=reason)
        return ReadSpeed(
            direct=missing, buffered=missing, mapped=missing, warm=missing, small=Latency(reason=reason)
        )
    spans = _spread(sizes, sample_bytes)
    with _page_cache_restored(() if in_memory else files):
        rates = _rates(spans, ("warm",) if in_memory else tuple(_WAYS), seconds, tick)
        nothing = say("no-cold-reads-piece")
        small = (
            Latency(reason=nothing) if in_memory else measure_latency(files, seconds=seconds / 4, tick=tick)
        )
    return ReadSpeed(**{name: rates.get(name, Rate(reason=nothing)) for name in _WAYS}, small=small)


def measure_latency(
    files: Sequence[Path],
    *,
    requests: int = 200,
    seconds: float = 1.25,
    tick: Callable[[], None] = lambda: None,
) -> Latency:
    """Time up to `requests` single 4 KiB reads at random places with O_DIRECT, for at most `seconds`."""
    blocks = [(path, path.stat().st_size // _SMALL_READ_BYTES) for path in files]
    if not any(count for _, count in blocks):
        return Latency(reason=say("files-too-small-piece"))
    draw = random.Random(0)
    times: list[float] = []
    deadline = time.perf_counter() + seconds
    try:
        while len(times) < requests and time.perf_counter() < deadline:
            tick()
            path, count = draw.choices(blocks, weights=[count for _, count in blocks])[0]
            region = Region(path, draw.randrange(count) * _SMALL_READ_BYTES, _SMALL_READ_BYTES)
            times.append(read_direct(region, _SMALL_READ_BYTES, deadline, tick).seconds)
    except Unmeasured as refusal:
        return Latency(reason=refusal.said)
    if len(times) < 2:
        few = say("few-reads-answered-piece", requests=len(times), window_seconds=seconds)
        return Latency(reason=few)
    p95 = statistics.quantiles(times, n=20, method="inclusive")[-1]
    return Latency(median_seconds=statistics.median(times), p95_seconds=p95, requests=len(times))


def _unmeasurable(total_bytes: int) -> Message | None:
    if total_bytes < SMALLEST_SAMPLE_BYTES:
        return say("too-few-bytes-piece", count=total_bytes)
    return None


def _spread(sizes: Sequence[tuple[Path, int]], sample_bytes: int) -> list[Region]:
    """Equal spans around the 1/6, 3/6 and 5/6 points of all files laid end to end, each inside one file.

    Those that fall into a file too small to be cut up are left out.
    """
    total = sum(size for _, size in sizes)
    wanted = min(sample_bytes, total) // _POSITIONS
    spans = []
    for number in range(_POSITIONS):
        place = total * (2 * number + 1) // (2 * _POSITIONS)
        path, size, within = _file_at(sizes, place)
        length = min(wanted, size)
        offset = max(0, min(within - length // 2, size - length)) // _SMALL_READ_BYTES * _SMALL_READ_BYTES
        spans.append(Region(path, offset, length))
    return [span for span in spans if span.length >= 5 * _SMALL_READ_BYTES]


def _file_at(sizes: Sequence[tuple[Path, int]], place: int) -> tuple[Path, int, int]:
    for path, size in sizes:
        if place < size:
            return path, size, place
        place -= size
    raise AssertionError("a place beyond all files")


def _rates(
    spans: list[Region], ways: tuple[str, ...], seconds: float, tick: Callable[[], None]
) -> dict[str, Rate]:
    samples: dict[str, list[Sample]] = {way: [] for way in ways}
    refusals: dict[str, Message] = {}
    end = time.perf_counter() + seconds
    # One way after the other: each pause of a disk would be followed by a beginning of its own.
    for way in ways:
        for span in spans:
            tick()
            now = time.perf_counter()
            if samples[way] and now >= end:
                continue
            # A turn of its own for each, or the last ways would be judged by their first, uneven bytes.
            deadline = now + seconds / (len(spans) * len(ways))
            try:
                samples[way].append(_WAYS[way](_parts(span)[way], deadline, tick))
            except Unmeasured as refusal:
                refusals[way] = refusal.said
            except OSError as error:
                refusals[way] = say("read-failed-piece", error=str(error))
    return {way: _rate(samples[way], refusals.get(way)) for way in ways}


def _parts(span: Region) -> dict[str, Region]:
    """The span cut up, a part for each way of reading.

    What the kernel reads ahead after the buffered part falls into the direct one, which no page cache helps.
    The warm read repeats the beginning of the buffered one, which is in memory by then.
    """
    unit = span.length // 5 // _SMALL_READ_BYTES * _SMALL_READ_BYTES
    buffered = Region(span.path, span.offset, 2 * unit)
    return {
        "buffered": buffered,
        "warm": buffered._replace(length=min(buffered.length, BUFFERED_READ_BYTES)),
        "direct": buffered._replace(offset=span.offset + 2 * unit),
        "mapped": Region(span.path, span.offset + 4 * unit, unit),
    }


def _rate(samples: list[Sample], refusal: Message | None) -> Rate:
    samples = [sample for sample in samples if sample.read_bytes]
    if not samples:
        return Rate(reason=refusal or say("nothing-read-piece"))
    total = sum(sample.read_bytes for sample in samples)
    seconds = sum(sample.seconds for sample in samples)
    begun = samples[0].begun
    if begun is None or seconds - begun.seconds < begun.seconds:  # too short to leave its beginning out
        begun = Mark(0, 0.0)
    return Rate(
        bytes_per_second=(total - begun.read_bytes) / (seconds - begun.seconds),
        slowest_bytes_per_second=min(sample.read_bytes / sample.seconds for sample in samples),
        read_bytes=total,
    )


_WAYS: dict[str, Callable[[Region, float, Callable[[], None]], Sample]] = {
    "buffered": read_cold_buffered,
    "warm": read_warm,
    "direct": read_cold_direct,
    "mapped": read_cold_mapped,
}


@contextmanager
def _page_cache_restored(files: Sequence[Path]) -> Iterator[None]:
    """Put files that were mostly out of memory before out of it again."""
    cold = [path for path in files if (cached_pages(path).ratio or 0.0) < 0.5]
    try:
        yield
    finally:
        for path in cold:
            make_cold(path)
