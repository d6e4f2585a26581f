"""A TCP proxy that passes every request on, and loses the first replies."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class ReplyDropper:
    """Listens on `port`; `dropped` replies were read whole from the server and never sent on."""

    def __init__(self, target_port: int, replies_to_drop: int) -> None:
        self._target_port, self._left = target_port, replies_to_drop
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.dropped = 0

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
        with client, socket.create_connection(("127.0.0.1", self._target_port)) as server:
            requests = threading.Thread(target=_copy, args=(client, server), daemon=True)
            requests.start()
            if self._left:
                self._left -= 1
                if server.recv(65_536):  # the server has answered: what it did is done
                    self.dropped += 1
                client.shutdown(socket.SHUT_RDWR)
                return
            _copy(server, client)


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while piece := source.recv(65_536):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return


@contextmanager
def reply_dropper(target_port: int, *, replies_to_drop: int) -> Iterator[ReplyDropper]:
    dropper = ReplyDropper(target_port, replies_to_drop)
    thread = threading.Thread(target=dropper.run, daemon=True)
    thread.start()
    try:
        yield dropper
    finally:
        dropper.close()
        thread.join(5)
