"""Names to addresses within a limit: the system's own lookup may hang for twenty seconds."""

import ipaddress
import os
import socket
import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet

_lock = threading.Lock()
_running: dict[tuple[int, str, int], "Future[list[str]]"] = {}  # by process: threads don't survive a fork


def addresses_of(host: str, port: int, *, limit_seconds: float) -> list[str]:
    """The addresses of `host`, as the system orders them. Raises OSError, a TimeoutError after the limit.

    However many callers wait, a name is looked up by one thread, which goes on after they have given up.
    """
    if _is_address(host):
        return [host]
    try:
        return _lookup(host, port).result(limit_seconds)
    except NotYet:
        raise TimeoutError(f"the name {host} was not found within {limit_seconds:g} s") from None


def _lookup(host: str, port: int) -> "Future[list[str]]":
    key = os.getpid(), host, port
    with _lock:
        known = _running.get(key)
        if known is not None and not known.done():
            return known
        future: Future[list[str]] = Future()
        _running[key] = future
    threading.Thread(target=_look_up, args=(host, port, future), name=f"lookup-{host}", daemon=True).start()
    return future


def _look_up(host: str, port: int, future: "Future[list[str]]") -> None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        future.set_result(list(dict.fromkeys(str(address[0]) for *_, address in found)))
    except Exception as error:
        future.set_exception(error)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
