"""One job after another: claim it, do its work, end it. Runs in the worker's child, which owns the device."""

import logging
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from huggingface_hub import constants

from services.worker import metrics
from services.worker.adapters.ended_run import give_back
from services.worker.failures import Failure, JobFailed, is_panic
from services.worker.machine.device import device_name, record_memory
from services.worker.machine.memory_cap import cap_memory
from services.worker.models.residency import Residency
from services.worker.process import work
from services.worker.process.cache_watch import CacheWatch
from services.worker.process.failure_of import failure_of
from services.worker.process.insist import Insistence
from services.worker.process.lifeline import Lifeline
from services.worker.process.ownership import DeviceOwnership
from services.worker.process.paths import drain_order, handover
from services.worker.process.state import tell_state
from services.worker.running_job import JobCancelled, JobPaused, LeaseLost, StoreLost, WorkerDraining
from shared.ended_copy import EndedCopy, keep_ended_copy
from shared.job_folder import JobFolder
from shared.job_records import Claim
from shared.json_text import finite
from shared.messages.message import Message, say
from shared.settings import Settings
from shared.worker_store import WorkerStore

logger = logging.getLogger(__name__)

EndStatus = Literal["succeeded", "failed", "cancelled"]


class Runner:
    """The child's whole state: the device it owns and the base model it holds."""

    def __init__(
        self, settings: Settings, store: WorkerStore, ownership: DeviceOwnership, device: torch.device
    ) -> None:
        self._settings = settings
        self._store = store
        self._ownership = ownership
        self._residency = Residency(device, settings.data_dir / "models")
        self._caches = CacheWatch(settings)

    def run_waiting(self) -> None:
        """Run jobs in the store's order until none may start now, or the worker drains."""
        while not self._draining():
            claim = self._claim()
            if not isinstance(claim, Claim):
                return
            self.run(claim)

    def _claim(self) -> Claim | float | None:
        """Insist until the store answers: it may have given us the job though its reply was lost.

        The same nonce gets the same claim again.
        """
        nonce = secrets.token_hex(16)
        try:
            return Insistence(self._draining).ask(
                lambda: self._store.claim(
                    host=self._settings.worker_host,
                    boot=self._ownership.boot,
                    nonce=nonce,
                    lease_seconds=self._settings.lease_seconds,
                )
            )
        except StoreLost:
            return None

    def run(self, claim: Claim) -> None:
        """Do one job's work and end its record, whatever happens to the work."""
        logger.info("job %s (%s), attempt %d", claim.job_id, claim.kind, claim.attempt)
        with self._lifeline(claim) as lifeline:
            try:
                self._work(claim, lifeline)
            except StoreLost:
                self._leave(claim)
                return
        metrics.record_resident(self._residency.name)
        self.tell_state()

    def _work(self, claim: Claim, lifeline: Lifeline) -> None:
        """Raises `StoreLost` when the worker drains and can't tell the store how far it came."""
        is_paused = False
        try:
            self._replay_earlier_attempts(claim, lifeline)
            self._bound_memory(lifeline)
            result = work.do(claim, self._settings, self._residency, lifeline)
        except LeaseLost:
            logger.warning("job %s: another attempt owns it; this one stops", claim.job_id)
        except JobCancelled:
            self._end(lifeline, "cancelled", say("job-cancelled"))
        except JobPaused:
            self._release(lifeline)
            is_paused = True
        except WorkerDraining:
            self._release(lifeline)
        except JobFailed as failed:
            self._fail(lifeline, failed.failure)
        except BaseException as error:
            if not isinstance(error, Exception) and not is_panic(error):
                raise
            logger.exception("job %s", claim.job_id)
            self._residency.evict()  # whatever broke may have left the base half changed
            self._fail(lifeline, failure_of(error))
        else:
            self._end(lifeline, "succeeded", say("job-succeeded"), result=result)
        if is_paused:  # here: inside `except` the exception's frames still hold the model
            self._residency.evict()

    def _bound_memory(self, lifeline: Lifeline) -> None:
        """Anew for each job, since others come and go on a card that shows the screen, too."""
        cap = cap_memory(self._residency.device, self._settings.gpu_reserve_bytes)
        if cap is not None:
            lifeline.event(
                say("card-memory-bounded", allowed_bytes=cap.allowed_bytes, left_bytes=cap.left_bytes),
                data={
                    "code": "card_memory_bounded",
                    "allowed_bytes": cap.allowed_bytes,
                    "left_bytes": cap.left_bytes,
                },
            )

    def _leave(self, claim: Claim) -> None:
        logger.warning("job %s stays as it is: the store is away; the next start takes it up", claim.job_id)
        handover(self._settings.data_dir, self._settings.worker_host).leave(claim)

    def tell_state(self) -> None:
        """Show the device, its memory, the caches and the resident base, as well as the store allows."""
        record_memory(self._residency.device)
        tell_state(
            self._settings,
            self._store,
            device=device_name(self._residency.device),
            hf_cache=constants.HF_HUB_CACHE,
            caches=self._caches.latest(),
            resident_model=self._residency.name,
        )

    def _replay_earlier_attempts(self, claim: Claim, lifeline: Lifeline) -> None:
        for attempt in range(1, claim.attempt):
            lifeline.replay(attempt, self._journal(claim.job_id, attempt))

    def _journal(self, job_id: str, attempt: int) -> Path:
        return self._job_folder(job_id).attempt(attempt).journal

    def _job_folder(self, job_id: str) -> JobFolder:
        return JobFolder.of(self._settings.data_dir, job_id)

    def _lifeline(self, claim: Claim) -> Lifeline:
        settings = self._settings
        return Lifeline(
            self._store,
            claim,
            journal=self._journal(claim.job_id, claim.attempt),
            lease_seconds=settings.lease_seconds,
            heartbeat_seconds=settings.heartbeat_seconds,
            stall_seconds=settings.stall_seconds,
            draining=self._draining,
        )

    def _draining(self) -> bool:
        return drain_order(self._settings.data_dir, self._settings.worker_host).exists()

    def _fail(self, lifeline: Lifeline, failure: Failure) -> None:
        logger.warning("job %s failed: %s: %s", lifeline.claim.job_id, failure.code, failure.message)
        self._end(lifeline, "failed", failure.said, error=failure.stored())

    def _release(self, lifeline: Lifeline) -> None:
        if lifeline.release() == "cancel":
            self._end(lifeline, "cancelled", say("job-cancelled"))

    def _end(
        self, lifeline: Lifeline, status: EndStatus, message: Message, **outcome: Mapping[str, Any]
    ) -> None:
        """End the record, as cancelled where a cancel came first, and keep a copy of how it ended on disk."""
        outcome = finite(outcome)
        verdict = lifeline.end(status, message=message, **outcome)
        if verdict == "cancel":
            self._end(lifeline, "cancelled", say("job-cancelled"))
        elif verdict in ("ok", "already"):
            self._keep_copy(lifeline.claim, status, outcome)
            self._give_back(lifeline.claim.job_id, has_succeeded=status == "succeeded")

    def _keep_copy(self, claim: Claim, status: EndStatus, outcome: Mapping[str, Any]) -> None:
        folder = self._job_folder(claim.job_id)
        told = {"id": claim.job_id, "status": status, "attempt": claim.attempt, "at": time.time(), **outcome}
        try:
            keep_ended_copy(folder, EndedCopy.model_validate(told))
        except OSError as error:
            logger.warning("could not write %s: %s", folder.result, error)

    def _give_back(self, job_id: str, *, has_succeeded: bool) -> None:
        """Free what only a further attempt would have used; what can't be freed now, the sweep will."""
        try:
            give_back(self._job_folder(job_id), has_succeeded=has_succeeded)
        except OSError as error:
            logger.warning("could not remove what job %s needs no more: %s", job_id, error)
