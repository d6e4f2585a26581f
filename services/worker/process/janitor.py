"""Keeps jobs moving when a message or a process is lost: a thread of the worker's main process, no torch."""

import logging
import os
import time
from collections.abc import Callable

from services.worker import metrics
from services.worker.process.ended_copies import EndedCopies
from services.worker.process.lost_runs import LostRuns
from services.worker.process.pulse import ChildWatch
from shared.errors import StoreUnavailable
from shared.keeper_store import KeeperStore
from shared.queue import Doorbell
from shared.settings import Settings
from shared.steady_thread import SteadyThread
from shared.worker_store import WorkerStore

logger = logging.getLogger(__name__)

ALIVE_SECONDS = 30.0  # a worker that spoke within so long may take a job


class Janitor:
    """Every few seconds: says that the worker lives, rings, takes over silent jobs, reports on lost ones."""

    def __init__(
        self,
        settings: Settings,
        store: WorkerStore,
        doorbell: Doorbell,
        children: ChildWatch | None = None,
        card_fields: Callable[[], dict[str, str]] = dict,
    ) -> None:
        """`card_fields`: what the beat tells of the card."""
        self._settings = settings
        self._card_fields = card_fields
        self._children = children
        self._store = store
        self._doorbell = doorbell
        self._store_answers_since = time.monotonic()
        self._begun = False
        self._lost_runs = LostRuns(settings, store)
        self._ended_copies = EndedCopies(settings, KeeperStore.of(store))

    def start(self) -> None:
        SteadyThread("janitor", self._turn).start()

    def _turn(self) -> float:
        self.round()
        return self._settings.janitor_seconds

    def round(self) -> None:
        """Look after everything once; whatever fails is tried again in the next round."""
        try:
            if not self._begun:
                self._store.forget_worker(self._settings.worker_host)
                self._begun = True
            self._look_after_jobs()
        except StoreUnavailable as refusal:
            logger.warning("%s", refusal.message)
            self._store_answers_since = time.monotonic()
        except Exception:
            logger.exception("a round of the janitor failed")

    def _look_after_jobs(self) -> None:
        metrics.forget_dead_processes()
        self._store.worker_beat(self._settings.worker_host, self._state())
        self._reap()
        self._ring()
        self._lost_runs.round()
        self._ended_copies.round()

    def _ring(self) -> None:
        """Once for each idle worker that a waiting job could start on, less the rings nobody has taken yet.

        A worker that is busy takes none, so it is one of the idle that hears it.
        """
        wanted = self._store.wanted_rings(alive_seconds=ALIVE_SECONDS)
        if wanted:
            for _ in range(wanted - self._doorbell.waiting_rings()):
                self._doorbell.ring("waiting jobs")

    def _reap(self) -> None:
        """A store that was away lets leases run out under live workers; give those time to beat."""
        patience = max(self._settings.reap_grace_seconds, self._settings.lease_seconds)
        answers_seconds = time.monotonic() - self._store_answers_since
        if min(self._store.uptime_seconds(), answers_seconds) <= patience:
            return
        for job_id in self._store.reap(crash_limit=self._settings.crash_limit):
            logger.warning("the worker of job %s was silent for too long", job_id)

    def _state(self) -> dict[str, str]:
        """This process lives; whether the one that runs jobs does, too, is a matter of its own."""
        silent = self._children.silent_seconds if self._children else 0.0
        return {
            "pid": str(os.getpid()), "child_silent_seconds": f"{silent:.1f}", **self._card_fields(),
        }  # fmt: skip
