"""The embedded store: its own password, durable, the same place after a restart."""

import json
import os
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from services.cli.failure import CommandFailed
from services.cli.store import EmbeddedStore, prepare_store, server_binary


@contextmanager
def running(store: EmbeddedStore) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(store.command, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while not store.answers():
            assert time.monotonic() < deadline, "the store does not answer"
            time.sleep(0.02)
        yield process
    finally:
        process.kill()
        process.wait()


def test_what_was_accepted_survives_a_kill(tmp_path: Path) -> None:
    store = prepare_store(tmp_path / "a folder")
    with running(store) as process:
        with redis.Redis.from_url(store.access.url) as client:
            for number in range(50):
                client.rpush("accepted", number)
        process.send_signal(signal.SIGKILL)
        process.wait()
    again = prepare_store(tmp_path / "a folder")
    assert again.access == store.access
    with running(again), redis.Redis.from_url(again.access.url) as client:
        assert client.llen("accepted") == 50


def test_it_takes_nobody_without_the_password_and_evicts_nothing(tmp_path: Path) -> None:
    store = prepare_store(tmp_path)
    with running(store):
        with (
            redis.Redis(port=store.access.port) as stranger,
            pytest.raises(redis.AuthenticationError),
        ):
            stranger.get("job")
        with redis.Redis.from_url(store.access.url, decode_responses=True) as client:
            wanted = {
                "appendonly": "yes",
                "appendfsync": "always",
                "maxmemory-policy": "noeviction",
                "maxmemory": str(512 * 1024 * 1024),
                "bind": "127.0.0.1",
            }
            assert {name: client.config_get(name)[name] for name in wanted} == wanted


def test_the_password_is_on_no_command_line_and_only_ours_to_read(tmp_path: Path) -> None:
    store = prepare_store(tmp_path)
    assert not any(store.access.password in word for word in store.command)
    for path in (tmp_path / "store" / "access.json", tmp_path / "store" / "valkey.conf"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "store").stat().st_mode) == 0o700


def test_a_port_that_someone_else_took_is_exchanged_and_the_password_kept(tmp_path: Path) -> None:
    first = prepare_store(tmp_path).access
    with socket.create_server(("127.0.0.1", first.port)):
        second = prepare_store(tmp_path).access
    assert second.port != first.port
    assert second.password == first.password


def test_a_damaged_note_of_its_place_is_made_anew(tmp_path: Path) -> None:
    prepare_store(tmp_path)
    note = tmp_path / "store" / "access.json"
    note.write_text(json.dumps({"port": 1}))
    access = prepare_store(tmp_path).access
    assert access.port > 1
    assert len(access.password) >= 32


def test_a_machine_without_a_server_binary_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "sparc64")
    with pytest.raises(CommandFailed) as caught:
        server_binary()
    assert "sparc64" in caught.value.message
    assert "TUNEDOCK_STORE_URL" in caught.value.remedy


def test_the_server_binary_can_be_run() -> None:
    assert os.access(server_binary(), os.X_OK)
