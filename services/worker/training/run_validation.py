"""The validation losses of a run: when one is due, and what it was."""

from dataclasses import replace

import torch
from transformers import PreTrainedModel

from services.worker.computing.batching import Schedule
from services.worker.computing.forward import Forward
from services.worker.computing.validation import mean_loss
from services.worker.phase_clock import PhaseClock
from services.worker.running_job import RunningJob
from services.worker.text.marked_text import TokenRow
from services.worker.training.run_state import RunState
from services.worker.training.step_memory import StepMemory, ValidationMemory
from services.worker.training.tick import Tick
from shared.messages.message import say


class RunValidation:
    """Of `rows`, which are not learned, after each epoch of `schedule`; never due where there are none.

    It computes with what `steps` keep of the model. Where memory runs out in it, it goes on with less at
    once, and the steps as before.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        rows: list[TokenRow],
        schedule: Schedule,
        steps: StepMemory,
        *,
        device: torch.device,
        clock: PhaseClock,
        tick: Tick,
        job: RunningJob,
    ) -> None:
        self._model, self._rows, self._schedule, self._plan = model, rows, schedule, steps.plan
        self._memory = ValidationMemory(steps, device=device, job=job)
        self._device, self._clock, self._tick, self._job = device, clock, tick, job

    def due(self, state: RunState) -> bool:
        if not self._rows or not self._schedule.ends_epoch(state.step):
            return False
        return state.step not in dict(state.validation)

    def after(self, state: RunState) -> RunState:
        """`state` with the loss after its last step. Raises `JobFailed` (out_of_memory) and what the job
        raises.
        """
        with self._clock.whole("validation"):
            loss = self._memory.within(state.step, self._mean_loss)
        return replace(state, validation=(*state.validation, (state.step, loss)))

    def tell(self, state: RunState) -> None:
        """The last loss of `state`. Apart from `after`: an order to stop may come with any word, and the loss
        is known by then.
        """
        step, loss = state.validation[-1]
        self._job.event(
            say("validation-loss", step=step, loss=f"{loss:.4f}"),
            type="metrics",
            data={"step": step, "validation_loss": loss},
        )

    def _mean_loss(self, forward: Forward) -> float:
        return mean_loss(
            self._model,
            self._rows,
            self._plan,
            device=self._device,
            tick=self._tick.validating,
            forward=forward,
            each=self._memory.each,
        )
