"""Where a run is, told to the record now and then, in exchange for orders to stop."""

import time

from services.worker.running_job import JsonValue, RunningJob
from services.worker.training.done_step import DoneStep
from shared.messages.message import say

TICK_SECONDS = 1.0


class Tick:
    """After each step, and within long ones at most once a second. Raises what `job` raises."""

    def __init__(self, job: RunningJob) -> None:
        self._job = job
        self._now: dict[str, JsonValue] = {}
        self._told = time.perf_counter()

    def begin(self, step: int, total_steps: int) -> None:
        """Before the first step, which may take long and has no numbers yet."""
        self._now = {"step": step, "total_steps": total_steps}
        self._tell("training")

    def done(self, step: DoneStep) -> None:
        """The event comes first: an order to stop may come with any word, and the step is done."""
        self._now = step.progress()
        has_loss = step.progress()["loss"] is not None
        self._job.event(
            say("step-done", loss=f"{step.train_loss:.4f}", step=step.step, total_steps=step.total_steps)
            if has_loss
            else say("step-done-without-loss", step=step.step, total_steps=step.total_steps),
            type="metrics",
            data=step.metrics(),
        )
        self._tell("training")

    def training(self) -> None:
        if time.perf_counter() - self._told > TICK_SECONDS:
            self._tell("training")

    def validating(self) -> None:
        if time.perf_counter() - self._told > TICK_SECONDS:
            self._tell("validating")

    def _tell(self, stage: str) -> None:
        self._told = time.perf_counter()
        self._job.progress(stage, **self._now)
