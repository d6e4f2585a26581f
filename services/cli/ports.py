"""TCP ports of this machine: is one free, give me one that is."""

import errno
import socket

from services.cli.failure import CommandFailed
from shared.messages.message import say


def free_port(host: str = "127.0.0.1") -> int:
    """A port nobody listens on just now."""
    with socket.socket(_family(host), socket.SOCK_STREAM) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


def is_free(host: str, port: int) -> bool:
    """True if a server could listen on `host:port`; raises OSError where the address itself is impossible."""
    with socket.socket(_family(host), socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
        return True


def require_free(host: str, port: int, variable: str) -> None:
    """Raise `CommandFailed`, naming the variable that chooses the port, unless a server can listen there."""
    try:
        free = is_free(host, port)
    except OSError as error:
        why = error.strerror or str(error)
        raise CommandFailed(
            say("port-not-usable", port=str(port), host=host, error=why),
            say("name-port-or-host", variable=variable),
        ) from error
    if not free:
        raise CommandFailed(
            say("port-in-use", port=str(port), host=host), say("name-free-port", variable=variable)
        )


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
