"""A thread that a promise hangs on: it goes on whatever its work raises, and is started again if it ends."""

import logging
import os
import sys
import threading
from collections.abc import Callable

logger = logging.getLogger(__name__)

RETRY_SECONDS = 1.0  # after a turn that failed
EXIT_NO_THREAD = 71  # the process can't keep its promise any more; whoever supervises it starts another


class SteadyThread:
    """Takes one turn after another until it is stopped; `turn` returns the seconds until the next.

    An exception of a turn is logged, and the next turn comes all the same. Whatever else ends the thread
    (`SystemExit`, or an exception while the log is written) starts another; a process that can't start one
    ends with `EXIT_NO_THREAD`.
    """

    def __init__(self, name: str, turn: Callable[[], float], *, first_wait: float = 0.0) -> None:
        self.name = name
        self._turn = turn
        self._first_wait = first_wait
        self._stopping = threading.Event()
        self._thread = threading.Thread()

    @property
    def ident(self) -> int | None:
        """The number of the thread that takes the turns now."""
        return self._thread.ident

    def start(self) -> None:
        """May be called once."""
        self._start(self._first_wait)

    def stop(self) -> None:
        """Return once the last turn has ended."""
        self._stopping.set()
        while (thread := self._thread).is_alive():
            thread.join()

    def _start(self, wait: float) -> None:
        self._thread = threading.Thread(target=self._work, args=(wait,), name=self.name, daemon=True)
        self._thread.start()

    def _work(self, wait: float) -> None:
        try:
            while not self._stopping.wait(wait):
                try:
                    wait = self._turn()
                except Exception:
                    wait = RETRY_SECONDS
                    logger.exception("a turn of the thread %s failed", self.name)
        finally:
            if not self._stopping.is_set() and not sys.is_finalizing():
                self._start_again()

    def _start_again(self) -> None:
        try:
            self._start(RETRY_SECONDS)
        except BaseException:
            os._exit(EXIT_NO_THREAD)
        logger.error("the thread %s ended; another goes on with its work", self.name)
