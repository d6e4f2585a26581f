"""A machine beyond this one, for tests of what leaves the containers: a network namespace with a server."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from tests.stack import wait_until

ADDRESS = "203.0.113.2"  # of a range for documentation (RFC 5737): nobody's
PORT = 8099
LISTENS = ("-m", "http.server")  # of Python's arguments; the port is the last one


@contextmanager
def outside(*arguments: str) -> Iterator[str]:
    """Its door; it knows no way back but the address. `arguments`: Python's, of another server."""
    words = [
        "ip netns add tunedock-outside",
        "ip link add td-inside type veth peer name td-outside",
        "ip link set td-outside netns tunedock-outside",
        "ip addr add 203.0.113.1/30 dev td-inside",
        "ip link set td-inside up",
        f"ip -n tunedock-outside addr add {ADDRESS}/30 dev td-outside",
        "ip -n tunedock-outside link set td-outside up",
    ]
    try:
        for command in words:
            subprocess.run(command.split(), check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        _remove()
        pytest.skip(f"no network namespace can be made here: {error}")
    server = ["ip", "netns", "exec", "tunedock-outside", sys.executable, *(arguments or LISTENS), str(PORT)]
    with subprocess.Popen(server, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: _opens(ADDRESS, PORT), 10)
            yield f"{ADDRESS}:{PORT}"
        finally:
            process.kill()
            _remove()


def _remove() -> None:
    for command in ("ip link del td-inside", "ip netns del tunedock-outside"):
        with suppress(OSError):
            subprocess.run(command.split(), capture_output=True, check=False)


def _opens(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True
