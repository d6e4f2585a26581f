"""The store's log: whole, torn at its end, damaged or changed in the middle; each is told from the others."""

from pathlib import Path

import pytest
import redis

from services.cli.store import prepare_store
from services.cli.store_log import cut, log_files, log_state, seal_log
from tests.cli.test_store import running


def filled(data_dir: Path, count: int = 200) -> Path:
    """The folder of a store that ended in order, with `count` values."""
    store = prepare_store(data_dir)
    with running(store) as process, redis.Redis.from_url(store.access.url) as client:
        for number in range(count):
            client.set(f"job:{number}", f"value {number}")
        process.terminate()
        process.wait()
    return data_dir / "store"


def flip(path: Path, place: int, count: int = 2) -> None:
    content = bytearray(path.read_bytes())
    for index in range(place, place + count):
        content[index] ^= 0x15
    path.write_bytes(content)


def test_a_log_that_nobody_touched_is_whole(tmp_path: Path) -> None:
    folder = filled(tmp_path)
    assert log_state(folder).is_whole
    seal_log(folder)
    assert log_state(folder) == log_state(folder)
    assert log_state(folder).is_whole
    assert log_state(folder).cut_bytes == 0
    assert log_state(tmp_path / "none").is_whole


@pytest.mark.parametrize("cut_bytes", [1, 7, 20, 50])
def test_a_torn_end_is_told_and_the_store_starts(tmp_path: Path, cut_bytes: int) -> None:
    folder = filled(tmp_path)
    seal_log(folder)
    log = log_files(folder)[-1]
    with log.open("r+b") as file:
        file.truncate(log.stat().st_size - cut_bytes)
    state = log_state(folder)
    assert state.is_whole
    assert 0 < state.cut_bytes <= 60
    store = prepare_store(tmp_path)
    with running(store), redis.Redis.from_url(store.access.url) as client:
        assert client.dbsize() >= 198


def test_two_bytes_of_a_value_changed_after_it_was_sealed_are_found(tmp_path: Path) -> None:
    folder = filled(tmp_path)
    seal_log(folder)
    log = log_files(folder)[-1]
    flip(log, log.read_bytes().index(b"value 100"))
    state = log_state(folder)
    assert not state.is_whole
    assert state.altered == ((log, 0),)
    assert state.damaged is None  # the store itself would start without a word


def test_a_change_that_cannot_be_read_is_found_and_cut(tmp_path: Path) -> None:
    folder = filled(tmp_path)
    log = log_files(folder)[-1]
    size = log.stat().st_size
    flip(log, log.read_bytes().index(b"$7\r\njob:100"))
    state = log_state(folder)
    assert state.damaged == log
    assert cut(state, folder) == size - state.good_bytes
    assert log_state(folder).is_whole
    store = prepare_store(tmp_path)
    with running(store), redis.Redis.from_url(store.access.url) as client:
        assert client.dbsize() == 100


def test_a_length_that_reaches_beyond_the_end_is_no_torn_end(tmp_path: Path) -> None:
    folder = filled(tmp_path)
    log = log_files(folder)[-1]
    content = log.read_bytes()
    place = content.index(b"$7\r\njob:100")
    log.write_bytes(content[:place] + b"$9" + b"9999" + content[place + 2 :])
    state = log_state(folder)
    assert state.damaged == log
    assert state.cut_bytes == 0


def test_a_seal_follows_a_log_that_grows_and_one_that_was_cut(tmp_path: Path) -> None:
    folder = filled(tmp_path, 20)
    log = log_files(folder)[-1]
    padding = b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$200000\r\n" + b"x" * 200_000 + b"\r\n"
    for _ in range(30):
        log.write_bytes(log.read_bytes() + padding)
        seal_log(folder)
    assert log_state(folder).is_whole
    log.write_bytes(log.read_bytes()[:-1000] + b"y" * 2000)
    assert log_state(folder).altered
    seal_log(folder)
    assert not log_state(folder).altered


def test_a_first_log_without_a_change_in_it_needs_no_list_of_its_files(tmp_path: Path) -> None:
    """As a store leaves it that was killed while it laid the log out."""
    folder = tmp_path / "appendonlydir"
    folder.mkdir()
    (folder / "appendonly.aof.1.base.rdb").write_bytes(b"REDIS0011")
    (folder / "appendonly.aof.1.incr.aof").touch()
    assert log_state(tmp_path).is_whole
    (folder / "appendonly.aof.1.incr.aof").write_bytes(b"*1")
    assert log_state(tmp_path).missing == (folder / "appendonly.aof.manifest",)
