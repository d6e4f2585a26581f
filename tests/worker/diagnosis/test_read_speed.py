"""Reading speed on real files: every way measured or explained, bounded, the page cache left as it was."""

import math
import mmap
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.worker.diagnosis.read_speed import (
    LARGEST_SAMPLE_BYTES,
    SMALLEST_SAMPLE_BYTES,
    _rate,
    measure_latency,
    measure_read_speed,
)
from services.worker.diagnosis.timed_reads import Mark, Region, Sample, read_cold_mapped
from services.worker.models.reading.cached_pages import cached_pages, make_cold
from services.worker.models.reading.large_reads import CutShort
from services.worker.running_job import JobCancelled
from shared.messages.message import say
from shared.messages.render import told
from shared.reports.machine import Rate, ReadSpeed
from shared.storage import storage_of

MIB = 1024**2


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A cold file of 24 MiB on a real disk."""
    if storage_of(tmp_path).storage_class == "memory":
        pytest.skip("the temporary folder is in memory; --basetemp names another")
    path = tmp_path / "weights"
    path.write_bytes(os.urandom(MIB) * 24)
    make_cold(path)
    return path


@pytest.fixture
def memory_file() -> Iterator[Path]:
    path = Path(f"/dev/shm/tunedock-speed-{os.getpid()}")
    path.write_bytes(bytes(8 * MIB))
    yield path
    path.unlink()


def rates(speed: ReadSpeed) -> dict[str, Rate]:
    return {name: getattr(speed, name) for name in ("direct", "buffered", "mapped", "warm")}


def test_every_way_of_reading_a_cold_file_has_a_rate_or_a_reason(file: Path) -> None:
    for rate in rates(measure_read_speed([file])).values():
        assert (rate.bytes_per_second is None) == (rate.reason is not None)
        assert (rate.bytes_per_second is None) == (rate.read_bytes == 0)


def test_buffered_and_mapped_reads_of_a_cold_file_are_measured_everywhere(file: Path) -> None:
    speed = measure_read_speed([file])
    for rate in (speed.buffered, speed.mapped):
        assert rate.bytes_per_second
        assert rate.slowest_bytes_per_second
        assert rate.slowest_bytes_per_second <= rate.bytes_per_second * 1.000001


def test_the_limit_is_the_better_of_the_large_cold_reads() -> None:
    def speed(direct: float | None, buffered: float | None) -> ReadSpeed:
        slow, fast = Rate(bytes_per_second=1.0), Rate(bytes_per_second=1e12)
        return ReadSpeed.model_validate(
            {
                "direct": Rate(bytes_per_second=direct),
                "buffered": Rate(bytes_per_second=buffered),
                "mapped": slow,
                "warm": fast,
                "small": {},
            }
        )

    assert speed(208e6, 523e6).limit_bytes_per_second == 523e6
    assert speed(1700e6, 1500e6).limit_bytes_per_second == 1700e6
    assert speed(None, 90e6).limit_bytes_per_second == 90e6
    assert speed(None, None).limit_bytes_per_second is None


def test_no_more_is_read_than_allowed(file: Path) -> None:
    speed = measure_read_speed([file], sample_bytes=6 * MIB)
    read = [rate.read_bytes for rate in (speed.direct, speed.buffered, speed.mapped)]
    assert 0 < sum(read) <= 6 * MIB
    assert LARGEST_SAMPLE_BYTES <= 1.3e9


def test_time_that_is_up_leaves_one_sample_of_each_way(file: Path) -> None:
    speed = measure_read_speed([file], seconds=0.0)
    assert 0 < speed.buffered.read_bytes <= 24 * MIB // 3 * 2 // 5
    assert speed.buffered.bytes_per_second


def test_a_cold_file_is_cold_afterwards(file: Path) -> None:
    measure_read_speed([file])
    assert cached_pages(file).cached_bytes == 0


def test_a_file_in_memory_stays_there_for_the_most_part(file: Path) -> None:
    file.read_bytes()
    measure_read_speed([file])
    ratio = cached_pages(file).ratio
    assert ratio is not None
    assert ratio > 0.5


def test_samples_are_spread_over_all_shards(file: Path) -> None:
    shards = [file, *(file.with_name(f"shard-{number}") for number in (2, 3))]
    for shard in shards[1:]:
        shard.write_bytes(file.read_bytes())
        make_cold(shard)
    make_cold(file)
    seen: list[Path] = []

    def look() -> None:
        seen.extend(shard for shard in shards if cached_pages(shard).cached_bytes)

    measure_read_speed(shards, sample_bytes=30 * MIB, tick=look)
    assert set(seen) == set(shards)


def test_a_file_that_others_map_has_no_cold_buffered_rate(file: Path) -> None:
    with file.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert bytes(mapped)
        speed = measure_read_speed([file])
    assert speed.buffered.bytes_per_second is None
    assert "in use" in told(speed.buffered.reason or "")
    assert speed.warm.bytes_per_second


def test_a_file_that_is_cut_short_while_it_is_mapped_is_an_error_and_ends_no_process(file: Path) -> None:
    child = os.fork()
    if child == 0:
        try:
            read_cold_mapped(Region(file, 0, 8 * MIB), math.inf, lambda: os.truncate(file, 3 * MIB))
        except CutShort as cut:
            os._exit(0 if cut.said.values["done"] == 3 * MIB else 2)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_memory_filesystem_has_only_a_warm_rate(memory_file: Path) -> None:
    speed = measure_read_speed([memory_file], in_memory=True)
    assert speed.warm.bytes_per_second
    assert speed.limit_bytes_per_second is None
    assert speed.mapped.reason == speed.small.reason == say("no-cold-reads-piece")


def test_a_tiny_model_has_no_rate_and_says_why(tmp_path: Path) -> None:
    path = tmp_path / "tiny"
    path.write_bytes(bytes(SMALLEST_SAMPLE_BYTES - 1))
    speed = measure_read_speed([path])
    assert all(rate.reason == speed.small.reason for rate in rates(speed).values())
    assert speed.small.reason == say("too-few-bytes-piece", count=SMALLEST_SAMPLE_BYTES - 1)


def test_a_tiny_shard_among_large_ones_is_no_obstacle(file: Path) -> None:
    tiny = file.with_name("last-shard")
    tiny.write_bytes(bytes(100))
    assert measure_read_speed([tiny, file, tiny]).buffered.bytes_per_second


def test_a_size_that_no_block_divides_is_no_obstacle(file: Path) -> None:
    with file.open("ab") as stream:
        stream.write(b"tail")
    make_cold(file)
    assert measure_read_speed([file]).buffered.bytes_per_second


@pytest.mark.parametrize("reads", [0, 3, 10, 20])
def test_a_cancelled_job_stops_in_the_middle_and_leaves_the_file_cold(file: Path, reads: int) -> None:
    calls = iter(range(1000))

    def cancel() -> None:
        if next(calls) == reads:
            raise JobCancelled

    with pytest.raises(JobCancelled):
        measure_read_speed([file], tick=cancel)
    assert cached_pages(file).cached_bytes == 0


def test_a_model_of_many_tiny_files_has_no_rate_and_says_why(tmp_path: Path) -> None:
    files = [tmp_path / str(number) for number in range(600)]
    for path in files:
        path.write_bytes(bytes(8000))
    speed = measure_read_speed(files)
    assert speed.limit_bytes_per_second is None
    assert speed.buffered.reason == say("nothing-read-piece")


def test_small_requests_are_timed_one_by_one(file: Path) -> None:
    latency = measure_latency([file], requests=20, seconds=60)
    if latency.median_seconds is None:
        assert latency.reason
        return
    assert latency.requests == 20
    assert latency.p95_seconds is not None
    assert 0 < latency.median_seconds <= latency.p95_seconds


def test_the_first_bytes_after_a_pause_do_not_count_where_enough_follow() -> None:
    """A limit of 150 MB/s lets 15 MB through at once, and then keeps to itself."""
    burst = Sample(read_bytes=60_000_000, seconds=0.3, begun=Mark(33_000_000, 0.12))
    steady = Sample(read_bytes=45_000_000, seconds=0.3)
    rate = _rate([burst, steady], None)
    assert rate.bytes_per_second == pytest.approx(150e6)
    assert rate.slowest_bytes_per_second == pytest.approx(150e6)
    assert rate.read_bytes == 105_000_000


def test_a_sample_too_short_to_have_a_middle_counts_as_a_whole() -> None:
    assert _rate([Sample(30_000_000, 0.1)], None).bytes_per_second == pytest.approx(300e6)
    short = Sample(30_000_000, 0.15, begun=Mark(20_000_000, 0.12))
    assert _rate([short], None).bytes_per_second == pytest.approx(200e6)
