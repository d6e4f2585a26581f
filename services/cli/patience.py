"""How long an API may be silent before whoever watches it gives up."""

import time

from services.cli.failure import RequestRefused, ServerUnreachable
from services.cli.terminal import Terminal
from shared.messages.message import say


class Patience:
    """Of `seconds`; it says once that the API is silent, and that it answers again."""

    def __init__(self, terminal: Terminal, seconds: float) -> None:
        self._terminal = terminal
        self._seconds = seconds
        self._silent_since: float | None = None

    def spend(self, error: ServerUnreachable | RequestRefused) -> None:
        """Take note of a failed try; raise `error` if it is final or patience is at its end."""
        if isinstance(error, RequestRefused) and error.status < 500:
            raise error
        now = time.monotonic()
        if self._silent_since is None:
            self._silent_since = now
            self._terminal.note(say("trying-again-row", problem=error.message))
        elif now - self._silent_since > self._seconds:
            raise error

    def renew(self) -> None:
        if self._silent_since is not None:
            self._terminal.note(say("answers-again-row"))
        self._silent_since = None
