"""When a run is saved, and what happens when it can't be."""

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from peft import PeftModel
from torch import Tensor

from services.worker.adapters.lora import adapter_weights
from services.worker.running_job import RunningJob
from services.worker.training.checkpoints import CheckpointFolder, Snapshot
from shared.messages.message import say

LONGEST_SHARE_OF_RUN = 0.02
SHARE_OF_TIME_FOR_SAVING = 0.05


def pause_seconds(run_seconds: float, *, longest_seconds: float, saving_seconds: float) -> float:
    """Between two savings, each of `saving_seconds`, in a run that is expected to take `run_seconds`."""
    wanted = min(longest_seconds, LONGEST_SHARE_OF_RUN * run_seconds)
    return max(wanted, saving_seconds / SHARE_OF_TIME_FOR_SAVING)


class CheckpointKeeper:
    """Saves one run's state, often enough to lose little and seldom enough to cost little."""

    def __init__(
        self,
        folder: CheckpointFolder,
        adapted: PeftModel,
        *,
        resumed: Snapshot | None,
        facts: Mapping[str, Any],
        adapter_config: Mapping[str, Any],
        checkpoint_seconds: float,
        job: RunningJob,
    ) -> None:
        """`resumed` is the state the run goes on from; `facts` are kept in every checkpoint's state.

        `adapter_config` is PEFT's.
        """
        self.resumed = resumed
        self._folder, self._adapted, self._facts, self._job = folder, adapted, facts, job
        self._adapter_config = adapter_config
        self._longest_seconds = checkpoint_seconds
        self._saved_step = resumed.step if resumed else None
        self._tried_at = time.monotonic()
        self._save_seconds = 0.0

    def due(self, run_seconds: float) -> bool:
        """Whether the time since the last save calls for one, in a run expected to take `run_seconds`."""
        pause = pause_seconds(
            run_seconds, longest_seconds=self._longest_seconds, saving_seconds=self._save_seconds
        )
        return time.monotonic() - self._tried_at >= pause

    def save(self, step: int, optimizer: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
        """Make the state of `step` durable and tell the record; nothing to do if it already is.

        A disk that is full or fails, or a file in the way, is no reason to lose a run that can still end
        well: older checkpoints give way, and if that is not enough the run goes on without this one. Raises
        what `job` raises.
        """
        if step == self._saved_step:
            return
        snapshot = Snapshot(
            step, adapter_weights(self._adapted), optimizer, {**self._facts, **state}, self._adapter_config
        )
        started = time.monotonic()
        written = self._write(snapshot)
        self._tried_at = time.monotonic()
        self._save_seconds = self._tried_at - started
        if written:
            self._saved_step = step
            self._job.checkpoint(step)

    def _write(self, snapshot: Snapshot) -> bool:
        with suppress(OSError):
            return self._write_once(snapshot)
        try:
            self._folder.drop_all_but(1)
            return self._write_once(snapshot)
        except OSError as error:
            problem = str(error.strerror or error)
        self._job.event(
            say(
                "checkpoint-not-written",
                step=snapshot.step,
                saved_step=self._saved_step or 0,
                error=problem,
            ),
            level="warn",
            data={"code": "checkpoint_skipped", "step": snapshot.step},
        )
        return False

    def _write_once(self, snapshot: Snapshot) -> bool:
        self._folder.write(snapshot)
        return True
