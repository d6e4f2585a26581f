"""Asking a store that is away again and again: for ever, or for a few seconds once the worker shuts down."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from services.worker.running_job import StoreLost
from shared.errors import StoreUnavailable

logger = logging.getLogger(__name__)

ASK_AGAIN_SECONDS = 0.5
DRAIN_SECONDS = 4.0  # and what the last calls take: a host that shuts down waits for ten
Answer = TypeVar("Answer")


class Insistence:
    """One worker's patience with its store; a store that answers renews it."""

    def __init__(self, draining: Callable[[], bool]) -> None:
        self._draining = draining
        self._ends_at: float | None = None
        self._said = ""

    def ask(self, change: Callable[[], Answer], *, meanwhile: Callable[[], None] = lambda: None) -> Answer:
        """The store's answer to `change`, which must be safe to repeat. `meanwhile` runs before each try.

        Raises `StoreLost` when the worker drains and the store stays away.
        """
        while True:
            meanwhile()
            try:
                answer = change()
            except StoreUnavailable as refusal:
                self.wait(refusal)
                continue
            self._ends_at, self._said = None, ""
            return answer

    def wait(self, refusal: StoreUnavailable) -> None:
        """Wait a moment after a refusal. Raises `StoreLost`."""
        if refusal.message != self._said:
            self._said = refusal.message
            logger.warning("%s The worker asks again until it answers.", refusal.message)
        if self._draining():
            if self._ends_at is None:
                self._ends_at = time.monotonic() + DRAIN_SECONDS
            if time.monotonic() >= self._ends_at:
                raise StoreLost(refusal.message) from refusal
        time.sleep(ASK_AGAIN_SECONDS)
