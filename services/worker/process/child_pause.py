"""How long a new child waits before it takes the device over: its predecessors died before they could.

The worker's main process counts those deaths and tells the next child by its environment, which a full disk
does not touch. A child that owned its device is no such death: its job is taken up at once.
"""

import json
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

from shared.backoff import Backoff

logger = logging.getLogger(__name__)

VARIABLE = "CHILD_PAUSE_SECONDS"
LOOK_SECONDS = 0.2


class EarlyDeaths:
    """The main process's count of children that died one after the other before they owned the device."""

    def __init__(self, state_file: Path) -> None:
        """`state_file` names the last child that owned it."""
        self._state_file = state_file
        self._backoff = Backoff()
        os.environ.pop(VARIABLE, None)

    def count(self, pid: int) -> None:
        """The child `pid` has died."""
        if self._has_worked(pid):
            self._backoff = Backoff()
            os.environ.pop(VARIABLE, None)
            return
        self._backoff = self._backoff.after_death(0)
        os.environ[VARIABLE] = str(self._backoff.wait_seconds)
        logger.warning(
            "%d processes in a row ended before they owned the device; those that follow wait for %g s",
            self._backoff.deaths_in_a_row,
            self._backoff.wait_seconds,
        )

    def _has_worked(self, pid: int) -> bool:
        try:
            state = json.loads(self._state_file.read_bytes())
        except (OSError, ValueError):
            return False
        return bool(state.get("pid") == pid and state.get("device"))


def pause(is_over: Callable[[], bool]) -> None:
    """Wait for as long as the main process said when it started this child, or until `is_over`."""
    ends = time.monotonic() + float(os.environ.get(VARIABLE, 0))
    while time.monotonic() < ends and not is_over():
        time.sleep(LOOK_SECONDS)
