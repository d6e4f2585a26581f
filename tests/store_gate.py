"""A gate before a real store: requests pass through it, and those that it is told to meet a trouble.

What the store would say comes without the store being in that state, so that a trouble can begin at any
request and pass after any other one: `tests.store_troubles` has the states themselves.
"""

import hashlib
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO

from shared.store_scripts import script, scripts

SETTING_UP = {
    b"HELLO",
    b"AUTH",
    b"CLIENT",
    b"SELECT",
    b"SCRIPT",
}  # of a connection: not counted, never refused
NAMES = {hashlib.sha1(script(name).encode()).hexdigest(): name for name in scripts()}


@dataclass(frozen=True)
class WireTrouble:
    """What a request meets. `reply` is the store's refusal, None where the connection says nothing."""

    name: str
    reply: bytes | None = None
    is_done: bool = False  # the store does what it was asked; only the answer is lost
    is_cut: bool = True  # else the connection stays and is silent


WIRE_TROUBLES = (
    WireTrouble("full", b"-OOM command not allowed when used memory > 'maxmemory'.\r\n"),
    WireTrouble("read_only", b"-READONLY You can't write against a read only replica.\r\n"),
    WireTrouble("loading", b"-LOADING Valkey is loading the dataset in memory\r\n"),
    WireTrouble(
        "primary_lost", b"-MASTERDOWN Link with MASTER is down and replica-serve-stale-data is 'no'.\r\n"
    ),
    WireTrouble("no_password", b"-NOAUTH Authentication required.\r\n"),
    WireTrouble("no_permission", b"-NOPERM User worker has no permissions to run the command\r\n"),
    WireTrouble("cluster_down", b"-CLUSTERDOWN The cluster is down\r\n"),
    WireTrouble("disk_full", b"-MISCONF Errors writing to the AOF file: No space left on device\r\n"),
    WireTrouble("too_few_replicas", b"-NOREPLICAS Not enough good replicas to write.\r\n"),
    WireTrouble("busy", b"-BUSY Valkey is busy running a script.\r\n"),
    WireTrouble("cut"),
    WireTrouble("cut_when_done", is_done=True),
    WireTrouble("silent", is_cut=False),
    WireTrouble("silent_when_done", is_done=True, is_cut=False),
)


class StoreGate:
    """Listens on `port`. `behind` is the store's port. `passed` names the requests that came: a script's
    name, a command, or MULTI for a transaction.
    """

    def __init__(self, target_port: int) -> None:
        self.behind = target_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._meets: Callable[[str, int], WireTrouble | None] = lambda name, number: None
        self.passed: list[str] = []

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def disturb(self, trouble: WireTrouble, *, first: int = 1) -> None:
        """All requests from now on meet `trouble`, beginning with number `first`."""
        self._begin(lambda name, number: trouble if number >= first else None)

    def disturb_each(self, trouble: WireTrouble, *, times: int, only: str = "") -> None:
        """From now on the first requests of each name meet `trouble`, or those of the one name `only`."""
        met: Counter[str] = Counter()

        def meets(name: str, number: int) -> WireTrouble | None:
            met[name] += 1
            return trouble if met[name] <= times and only in ("", name) else None

        self._begin(meets)

    def heal(self) -> None:
        self._begin(lambda name, number: None)

    def _begin(self, meets: Callable[[str, int], WireTrouble | None]) -> None:
        with self._lock:
            self.passed, self._meets = [], meets

    def run(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # closed: the test is over
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self, client: socket.socket) -> None:
        with (
            suppress(OSError, ValueError),
            client,
            socket.create_connection(("127.0.0.1", self.behind)) as server,
        ):
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            asked, answered = client.makefile("rb"), server.makefile("rb")
            while request := _message(asked):
                words = _words(request)
                block = [request]
                if words[0].upper() == b"MULTI":
                    while _words(block[-1])[0].upper() != b"EXEC":
                        block.append(_message(asked))
                trouble = self._trouble_of(words)
                is_done = trouble is None or trouble.is_done
                answers = [_asked(server, answered, each) for each in block if is_done]
                if trouble is None:
                    client.sendall(b"".join(answers))
                elif trouble.reply is not None:
                    client.sendall(_refused(trouble.reply, len(block)))
                elif trouble.is_cut:
                    client.shutdown(socket.SHUT_RDWR)
                    return

    def _trouble_of(self, words: list[bytes]) -> WireTrouble | None:
        command = words[0].upper()
        if command in SETTING_UP:
            return None
        name = NAMES[words[1].decode()] if command == b"EVALSHA" else command.decode()
        with self._lock:
            self.passed.append(name)
            return self._meets(name, len(self.passed))


def _refused(reply: bytes, requests: int) -> bytes:
    """Each command of a transaction is refused when it is queued, and then the transaction."""
    if requests == 1:
        return reply
    return (
        b"+OK\r\n"
        + reply * (requests - 2)
        + b"-EXECABORT Transaction discarded because of previous errors.\r\n"
    )


def _asked(server: socket.socket, answered: "IO[bytes]", request: bytes) -> bytes:
    server.sendall(request)
    return _message(answered)


def _message(stream: "IO[bytes]") -> bytes:
    """The bytes of one whole request or answer; none at the end. https://valkey.io/topics/protocol/"""
    line = stream.readline()
    kind = line[:1]
    if kind in (b"$", b"!", b"="):
        size_bytes = int(line[1:])
        return line + (stream.read(size_bytes + 2) if size_bytes >= 0 else b"")
    if kind in (b"*", b"~", b">", b"%"):
        parts = int(line[1:]) * (2 if kind == b"%" else 1)
        return line + b"".join(_message(stream) for _ in range(parts))
    return line


def _words(request: bytes) -> list[bytes]:
    """The first two of a request's words."""
    return list(request.split(b"\r\n", 6)[2:6:2])


@contextmanager
def store_gate(target_port: int) -> Iterator[StoreGate]:
    gate = StoreGate(target_port)
    threading.Thread(target=gate.run, name="store-gate", daemon=True).start()
    try:
        yield gate
    finally:
        gate.close()
