"""One training step: its rows' gradients and one update, computed by whatever plan memory allows."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn

from services.worker.computing.batching import target_count
from services.worker.computing.forward import Forward
from services.worker.phase_clock import PhaseClock
from services.worker.text.marked_text import TokenRow
from services.worker.training.done_step import Computed
from services.worker.training.optimizer import all_or_nothing
from services.worker.training.step_memory import StepMemory
from services.worker.training.tick import Tick
from shared.schemas.hyperparameters import Hyperparameters


@dataclass(frozen=True)
class TrainingStep:
    """Computes steps of a run. `clock` sees each of their phases, and `tick` each micro-batch."""

    parameters: Mapping[str, nn.Parameter]
    optimizer: torch.optim.Optimizer
    hyperparameters: Hyperparameters
    memory: StepMemory
    clock: PhaseClock
    tick: Tick
    device: torch.device

    def compute(self, step: int, rows: Sequence[TokenRow], rate: float) -> Computed:
        """Change the parameters once. `step` counts from 0; `rate` is its learning rate.

        Where memory runs out in it, all of it happens once more, with less at once. Raises `JobFailed`
        (out_of_memory) and what the job raises.
        """
        gradients_and_update = partial(self._compute, step, rows, rate)
        return self.memory.within(step + 1, gradients_and_update, undo=self._forget_gradients)

    def _compute(self, step: int, rows: Sequence[TokenRow], rate: float, forward: Forward) -> Computed:
        clock = self.clock

        # Data: this step's rows, whatever the plan makes of them.
        with clock.phase("data"):
            targets = target_count(rows)
            seed = _step_seed(self.hyperparameters.seed, step)
            batches = list(forward.batches(rows, seed=seed))
        torch.manual_seed(seed)

        # Gradients: micro-batches add up to the step's mean over targets.
        step_loss = torch.zeros((), device=self.device)
        for batch in self.memory.each(batches):
            with clock.phase("forward"):
                loss_share = forward.loss(batch, 1.0 / targets)
            with clock.phase("backward"):
                loss_share.backward()
            step_loss += loss_share.detach()
            with clock.phase("logging"):
                self.tick.training()
        forward.step_over()

        # Update, unless the numbers are no longer numbers.
        with clock.phase("optimizer"):
            norm = nn.utils.clip_grad_norm_(self.parameters.values(), self.hyperparameters.max_grad_norm)
            loss, grad_norm = step_loss.item(), norm.item()
            good = math.isfinite(loss) and math.isfinite(grad_norm)
            if good:
                self._update(rate)
            self._forget_gradients()
        return Computed(
            loss=loss,
            grad_norm=grad_norm,
            good=good,
            real_tokens=sum(batch.real_tokens for batch in batches),
            computed_tokens=sum(batch.computed_tokens for batch in batches),
            target_tokens=targets,
        )

    def _update(self, rate: float) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        with all_or_nothing(self.optimizer, self.parameters):
            self.optimizer.step()

    def _forget_gradients(self) -> None:
        self.optimizer.zero_grad(set_to_none=True)


def _step_seed(seed: int, step: int) -> int:
    """A seed of its own for every step (`torch.manual_seed` takes 64 bits)."""
    return seed << 32 | step
