"""Weight files are read into memory in large pieces, once, and only where there is room."""

from collections.abc import Callable
from pathlib import Path

from services.worker.models.reading.cached_pages import cached_pages, make_cold
from services.worker.models.reading.page_cache import available_memory_bytes, read_into_page_cache

SIZE = 40 * 1024**2


def cold_file(folder: Path, need: Callable[[bool, str], None]) -> Path:
    file = folder / "weights"
    file.write_bytes(bytes(SIZE))
    left = make_cold(file)
    need(left.cached_bytes is not None and left.cached_bytes < SIZE // 2, "a disk whose pages can be dropped")
    return file


def test_a_cold_file_is_in_memory_afterwards(tmp_path: Path, need: Callable[[bool, str], None]) -> None:
    file = cold_file(tmp_path, need)
    told: list[int] = []
    assert read_into_page_cache([file], 1 << 40, told.append) == SIZE
    assert cached_pages(file).ratio == 1
    assert told[-1] == SIZE
    assert len(told) == 3  # pieces of 16 MiB


def test_a_file_in_memory_is_not_read_again(tmp_path: Path, need: Callable[[bool, str], None]) -> None:
    file = cold_file(tmp_path, need)
    read_into_page_cache([file], 1 << 40, lambda _: None)
    assert read_into_page_cache([file], 1 << 40, lambda _: None) == 0


def test_files_larger_than_memory_are_left_alone(tmp_path: Path, need: Callable[[bool, str], None]) -> None:
    file = cold_file(tmp_path, need)
    assert read_into_page_cache([file], SIZE, lambda _: None) == 0
    assert read_into_page_cache([file], 2 * SIZE, lambda _: None) == SIZE


def test_this_machine_says_how_much_memory_it_has() -> None:
    available = available_memory_bytes()
    assert available is not None
    assert 50_000_000 < available < 1 << 50
