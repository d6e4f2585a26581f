"""TCP ports of this machine: is one free, give me one that is."""

import errno
import socket

from services.cli.failure import CommandFailed


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
        raise CommandFailed(
            f"can't listen on {host} port {port}: {error.strerror or error}",
            f"Set {variable} (or TUNEDOCK_API_HOST) to an address and port this user may listen on.",
        ) from error
    if not free:
        raise CommandFailed(
            f"port {port} on {host} is taken by another program", f"Set {variable} to a free port."
        )


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
