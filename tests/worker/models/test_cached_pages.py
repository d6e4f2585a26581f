"""The page cache of real files: counted by two kernel calls, dropped, and what refuses to go."""

import mmap
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.worker.models.reading.cached_pages import (
    FOLIO_BYTES,
    ask_cachestat,
    ask_mincore,
    cached_pages,
    make_cold,
)
from shared.storage import storage_of

PAGE = mmap.PAGESIZE
SIZE = 4 * FOLIO_BYTES


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file on a real disk, in memory since it was just written."""
    if storage_of(tmp_path).storage_class == "memory":
        pytest.skip("the temporary folder is in memory; --basetemp names another")
    path = tmp_path / "file"
    path.write_bytes(os.urandom(SIZE))
    return path


@pytest.fixture
def memory_file() -> Iterator[Path]:
    path = Path(f"/dev/shm/tunedock-test-{os.getpid()}")
    path.write_bytes(bytes(SIZE))
    yield path
    path.unlink()


def test_a_file_just_written_is_cached_whole_and_a_cold_one_not_at_all(file: Path) -> None:
    assert cached_pages(file).cached_bytes == SIZE
    after = make_cold(file)
    assert (after.cached_bytes, after.range_bytes, after.ratio) == (0, SIZE, 0.0)


def test_reading_a_cold_file_brings_it_back(file: Path) -> None:
    make_cold(file)
    file.read_bytes()
    assert cached_pages(file).ratio == 1.0


def test_a_range_is_dropped_and_its_neighbours_stay(file: Path) -> None:
    make_cold(file, FOLIO_BYTES, FOLIO_BYTES)
    assert cached_pages(file, FOLIO_BYTES, FOLIO_BYTES).cached_bytes == 0
    assert cached_pages(file).cached_bytes == SIZE - FOLIO_BYTES


def test_a_range_within_a_large_folio_gets_cold_too(file: Path) -> None:
    assert make_cold(file, FOLIO_BYTES + PAGE, PAGE).cached_bytes == 0


def test_a_range_ends_with_the_file(file: Path) -> None:
    assert cached_pages(file, SIZE - PAGE, 10 * PAGE).range_bytes == PAGE
    assert cached_pages(file, 2 * SIZE).cached_bytes == 0


def test_a_file_that_ends_within_a_page_is_at_most_wholly_cached(file: Path) -> None:
    file.write_bytes(b"x" * (PAGE + 1))
    assert cached_pages(file).cached_bytes == 2 * PAGE
    assert cached_pages(file).ratio == 1.0


def test_an_empty_file_is_cold(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert cached_pages(tmp_path / "empty").ratio == 0.0


def test_both_kernel_calls_count_the_same(file: Path) -> None:
    make_cold(file, 0, FOLIO_BYTES)
    with file.open("rb") as stream:
        by_mincore = ask_mincore(stream.fileno(), 0, SIZE)
        by_cachestat = ask_cachestat(stream.fileno(), 0, SIZE)
    assert by_mincore == SIZE - FOLIO_BYTES
    assert by_cachestat in (by_mincore, None)  # kernels before 6.5 have no cachestat


def test_pages_that_a_process_maps_stay_and_the_answer_says_so(file: Path) -> None:
    with file.open("rb") as stream, mmap.mmap(stream.fileno(), SIZE, access=mmap.ACCESS_READ) as mapped:
        touched = bytes(mapped[:PAGE])
        left = make_cold(file).cached_bytes
    assert touched
    assert left is not None
    assert left >= PAGE


def test_a_memory_filesystem_never_gets_cold(memory_file: Path) -> None:
    assert make_cold(memory_file).ratio == 1.0


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        cached_pages(tmp_path / "absent")
