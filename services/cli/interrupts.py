"""Counts the requests to stop (Ctrl-C, SIGTERM, a closed terminal) instead of breaking off in mid-work."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupts:
    """How often we were asked to stop: once means in good order, twice means now."""

    def __init__(self) -> None:
        self.count = 0

    def note(self, _signal: int, _frame: FrameType | None) -> None:
        self.count += 1


@contextmanager
def counted_interrupts() -> Iterator[Interrupts]:
    """Count stop signals within the block; the former reactions are back after it."""
    interrupts = Interrupts()
    former = {number: signal.signal(number, interrupts.note) for number in STOP_SIGNALS}
    try:
        yield interrupts
    finally:
        for number, reaction in former.items():
            signal.signal(number, reaction)
