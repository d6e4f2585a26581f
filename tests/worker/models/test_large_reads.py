"""Whole files in large reads: every byte, its hash, and a file that changes under the reader."""

import ctypes
import hashlib
import random
from pathlib import Path

import pytest

from services.worker.models.reading.cached_pages import make_cold
from services.worker.models.reading.landing import HUGE_PAGE_BYTES, Landing
from services.worker.models.reading.large_reads import READ_BYTES, read_file
from services.worker.running_job import JobCancelled


def write(path: Path, size: int) -> bytes:
    content = random.Random(size).randbytes(size)
    path.write_bytes(content)
    return content


@pytest.mark.parametrize("size", [1, 4095, 4096, 4097, READ_BYTES - 1, READ_BYTES, READ_BYTES + 4097])
@pytest.mark.parametrize("cold", [True, False])
def test_every_byte_arrives_and_is_hashed(tmp_path: Path, size: int, cold: bool) -> None:
    content = write(tmp_path / "file", size)
    if cold:
        make_cold(tmp_path / "file")
    seen: list[int] = []
    tensor, sha256 = read_file(tmp_path / "file", seen.append)
    assert bytes(tensor.numpy()) == content
    assert sha256 == hashlib.sha256(content).hexdigest()
    assert tensor.data_ptr() % 4096 == 0
    assert seen == sorted(seen)
    assert seen[-1] == size


def test_more_pieces_than_there_is_memory_to_land_in_all_come_to_their_places(tmp_path: Path) -> None:
    content = write(tmp_path / "file", 5 * READ_BYTES + 4097)
    make_cold(tmp_path / "file")
    tensor, sha256 = read_file(tmp_path / "file", lambda _: None)
    assert sha256 == hashlib.sha256(content).hexdigest()
    assert bytes(tensor.numpy()) == content


def test_memory_to_land_in_begins_at_a_huge_page() -> None:
    landing = Landing(READ_BYTES)
    pieces = [landing.take(), landing.take()]
    for piece in pieces:
        assert len(piece) == READ_BYTES
        assert ctypes.addressof(ctypes.c_char.from_buffer(piece)) % HUGE_PAGE_BYTES == 0
    landing.give_back(pieces[1])
    assert landing.take() is pieces[1]


def test_a_memory_filesystem_has_no_direct_reads_and_is_read_all_the_same() -> None:
    memory = Path("/dev/shm/tunedock-large-reads-test")
    if not memory.parent.is_dir():
        pytest.skip("no memory filesystem here")
    try:
        content = write(memory, 100_000)
        assert bytes(read_file(memory, lambda _: None)[0].numpy()) == content
    finally:
        memory.unlink(missing_ok=True)


def test_a_file_that_is_cut_short_meanwhile_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write(path, 3 * READ_BYTES)

    def cut(done: int) -> None:
        with path.open("r+b") as file:
            file.truncate(READ_BYTES)

    with pytest.raises(OSError, match="cut short"):
        read_file(path, cut)


def test_an_order_to_stop_ends_the_read(tmp_path: Path) -> None:
    write(tmp_path / "file", 3 * READ_BYTES)

    def stop(done: int) -> None:
        raise JobCancelled

    with pytest.raises(JobCancelled):
        read_file(tmp_path / "file", stop)
