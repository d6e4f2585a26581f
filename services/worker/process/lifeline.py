"""A running job's line to its record: renews the lease, sends progress and events, brings back orders.

A thread does the talking, so a store that is slow or away never slows the job: events wait (all of them
also go to a journal on disk), the newest progress wins, and the first beat after the store is back renews the
lease.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from services.worker.failures import Failure, FailureCode
from services.worker.process.insist import Answer, Insistence
from services.worker.process.journal import Journal
from services.worker.running_job import (
    JobCancelled,
    JobPaused,
    JobStopped,
    JsonValue,
    LeaseLost,
    Level,
    WorkerDraining,
)
from shared.errors import StoreUnavailable
from shared.job_records import Claim, Verdict, WorkerEvent
from shared.journal import journal_events
from shared.messages.message import Message, say, stored
from shared.schemas.records import Progress
from shared.steady_thread import SteadyThread
from shared.worker_store import WorkerStore

logger = logging.getLogger(__name__)

SEND_SECONDS = 0.5  # progress on screens is never older
OBEY_SECONDS = 60.0  # a cancelled job that has not stopped by then is ended with its process
EVENTS_A_CALL = 100
ORDERS: Mapping[Verdict, type[JobStopped]] = {"cancel": JobCancelled, "pause": JobPaused}
EXIT_STALLED = 70
EXIT_DISOBEYED = 76


class Lifeline:
    """Implements `RunningJob` for one attempt of one job; a context manager around the work."""

    def __init__(
        self,
        store: WorkerStore,
        claim: Claim,
        *,
        journal: Path,
        lease_seconds: float,
        heartbeat_seconds: float,
        stall_seconds: float,
        draining: Callable[[], bool],
    ) -> None:
        self._store = store
        self.claim = claim
        self._lease_seconds = lease_seconds
        self._heartbeat_seconds = heartbeat_seconds
        self._stall_seconds = stall_seconds
        self._draining = draining
        self._insistence = Insistence(draining)
        self._journal = Journal(journal)
        self._lock = threading.Lock()
        self._turn_to_send = threading.Lock()
        self._pending: list[WorkerEvent] = []
        self._event_count = 0
        self._progress: dict[str, JsonValue] | None = None
        self._numbers: dict[str, JsonValue] = {}  # the last ones known: later stages have none of their own
        self._checkpoint: int | None = None
        self._order: type[JobStopped] | None = None
        self._order_at = 0.0
        self._progressed_at = time.monotonic()
        self._beat_at = 0.0
        self._told = ""  # the store's last refusal, said once an outage rather than twice a second
        self._thread = SteadyThread(f"lifeline-{claim.job_id}", self._talk, first_wait=SEND_SECONDS)

    # --- what the job calls (services.worker.running_job.RunningJob)

    def progress(self, stage: str, **fields: JsonValue) -> None:
        with self._lock:
            self._numbers |= {name: value for name, value in fields.items() if name in Progress.model_fields}
            self._progress = {"stage": stage, **self._numbers, **fields}
        self._tick()

    def event(
        self,
        message: Message,
        *,
        level: Level = "info",
        type: Literal["message", "metrics"] = "message",
        data: Mapping[str, JsonValue] | None = None,
    ) -> None:
        with self._lock:
            self._event_count += 1
            at = round(time.time(), 3)
            event = WorkerEvent(self._event_count, level, type, stored(message), dict(data or {}), at)
            self._pending.append(replace(event, is_in_journal=self._journal.append(event)))
        self._tick()

    def checkpoint(self, step: int) -> None:
        self._journal.sync()  # a power loss may cost steps that are done again, and no others
        self._checkpoint = step  # never raises: it is called while the job obeys an order to stop
        self._progressed_at = time.monotonic()

    def publish(self) -> None:
        self._settle()
        verdict = self._insist(lambda: self._store.publish(self.claim))
        if verdict != "ok":
            raise ORDERS.get(verdict, LeaseLost)

    # --- what the runner calls

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._thread.stop()

    def replay(self, attempt: int, journal: Path) -> None:
        """Record what an earlier attempt, now dead, wrote down but could not send any more."""
        recorded = self._insist(partial(self._store.recorded, self.claim.job_id, attempt))
        unsent = journal_events(journal, first=recorded + 1)
        while batch := list(islice(unsent, EVENTS_A_CALL)):
            self._insist(partial(self._store.record_events, self.claim, batch, source_attempt=attempt))

    def end(
        self,
        status: Literal["succeeded", "failed", "cancelled"],
        *,
        message: Message,
        result: Mapping[str, Any] | None = None,
        error: Mapping[str, Any] | None = None,
    ) -> Verdict:
        """Send what waits, then end the job; insists until the store answers."""
        self._settle()
        self._journal.sync()  # from here on the store forgets the steps that are in it
        return self._insist(
            lambda: self._store.finish(
                self.claim, status, message=stored(message), result=result, error=error
            )
        )

    def release(self) -> Verdict:
        self._settle()
        return self._insist(lambda: self._store.release(self.claim))

    # --- inside

    def _tick(self) -> None:
        self._progressed_at = time.monotonic()
        if self._order is not None:
            raise self._order
        if self._draining():
            raise WorkerDraining

    def _talk(self) -> float:
        try:
            self._send()
            self._told = ""
        except StoreUnavailable as refusal:
            if refusal.message != self._told:
                logger.warning("%s Job %s goes on without it.", refusal.message, self.claim.job_id)
            self._told = refusal.message
        finally:
            self._enforce()
        return SEND_SECONDS

    def _send(self) -> None:
        with self._turn_to_send:
            self._send_in_turn()

    def _send_in_turn(self) -> None:
        with self._lock:
            progress, self._progress = self._progress, None
            checkpoint = self._checkpoint
            events = self._pending[:EVENTS_A_CALL]
        try:  # first what a full store takes, too
            if progress is not None or time.monotonic() - self._beat_at >= self._heartbeat_seconds:
                self._heed(self._store.beat(self.claim, lease_seconds=self._lease_seconds, progress=progress))
                progress, self._beat_at = None, time.monotonic()
            if checkpoint is not None:
                self._heed(self._store.checkpoint(self.claim, checkpoint))
                if self._checkpoint == checkpoint:
                    self._checkpoint = None
            if events:
                self._heed(self._store.record_events(self.claim, events))
                with self._lock:
                    del self._pending[: len(events)]
        except StoreUnavailable:
            self._keep_for_later(progress)
            raise

    def _keep_for_later(self, progress: dict[str, JsonValue] | None) -> None:
        with self._lock:
            if self._progress is None:
                self._progress = progress

    def _heed(self, verdict: Verdict) -> None:
        if verdict == "ok" or self._order is not None:
            return
        self._order = ORDERS.get(verdict, LeaseLost)
        self._order_at = time.monotonic()

    def _enforce(self) -> None:
        """End the process when the job neither moves nor obeys; the next one takes over from the record."""
        now = time.monotonic()
        if self._order is not None and now - self._order_at > OBEY_SECONDS:
            logger.error(
                "job %s did not stop within %.0f s; ending the process", self.claim.job_id, OBEY_SECONDS
            )
            os._exit(EXIT_DISOBEYED)
        if now - self._progressed_at > self._stall_seconds:
            logger.error("job %s made no progress for %.0f s", self.claim.job_id, self._stall_seconds)
            self._end_stalled()
            os._exit(EXIT_STALLED)

    def _end_stalled(self) -> None:
        failure = Failure(
            FailureCode.STALLED,
            say("job-stalled", stall_seconds=self._stall_seconds),
            say("look-at-log-and-disks"),
        )
        try:
            self._store.finish(self.claim, "failed", message=stored(failure.said), error=failure.stored())
        except StoreUnavailable as refusal:
            logger.warning("%s Job %s will be tried again.", refusal.message, self.claim.job_id)

    def _settle(self) -> None:
        """Send all waiting events before a change that must come after them."""
        while self._pending and self._order is not LeaseLost:
            self._insist(self._send)

    def _insist(self, change: Callable[[], Answer]) -> Answer:
        return self._insistence.ask(change, meanwhile=self._stay_alive)

    def _stay_alive(self) -> None:
        """Waiting for the store is no stall."""
        self._progressed_at = time.monotonic()
