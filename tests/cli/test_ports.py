"""Telling a free port from one that is taken."""

import socket

import pytest

from services.cli.failure import CommandFailed
from services.cli.ports import free_port, is_free, require_free


def test_a_taken_port_is_refused_by_the_name_of_its_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not is_free("127.0.0.1", port)
        with pytest.raises(CommandFailed, match=str(port)) as caught:
            require_free("127.0.0.1", port, "TUNEDOCK_API_PORT")
    assert "TUNEDOCK_API_PORT" in caught.value.remedy


def test_a_free_port_is_free() -> None:
    require_free("127.0.0.1", free_port(), "TUNEDOCK_API_PORT")


def test_an_address_that_is_not_ours_is_said_plainly() -> None:
    with pytest.raises(CommandFailed, match=r"Port \d+ of 192\.0\.2\.1 can't be used"):
        require_free("192.0.2.1", 8080, "TUNEDOCK_API_PORT")
