"""What predictions are tried on: a model with its adapter, a plan, and the micro-batches of a run."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from services.worker.computing.batching import Schedule
from services.worker.computing.forward import Forward
from services.worker.computing.plan.plan import Plan
from services.worker.computing.predicting.first_layers import layers_of
from services.worker.computing.predicting.small_run import SmallRun
from services.worker.computing.predicting.step_list import Size
from services.worker.text.marked_text import TokenRow


def no_tick() -> None:
    return


@dataclass(frozen=True)
class Trial:
    """`tick` is called between micro-batches, and may raise `JobStopped`."""

    model: PreTrainedModel
    plan: Plan
    parameters: Mapping[str, nn.Parameter]
    rows: Sequence[TokenRow]
    schedule: Schedule
    device: torch.device
    tick: Callable[[], None] = no_tick

    @property
    def layers(self) -> int:
        """All; 0 where they are not in one list, so that the model can only be run whole."""
        layers = layers_of(self.model)
        return 0 if layers is None else len(layers)

    @property
    def pattern(self) -> int:
        """So many layers in a row are a pattern that repeats: of each one may be computed again."""
        return self.plan.recompute_every if self.plan.gradient_checkpointing else 1

    def run(self, layers: int) -> SmallRun:
        """Of so many layers; 0 is as many as there are."""
        return SmallRun(self.model, self.plan, self.parameters, self.device, layers=layers or None)

    def batch(self, forward: Forward, size: Size) -> Any:
        """The micro-batch of that size, on the device."""
        rows = [self.rows[index] for index in self.schedule.rows_of(size.step)]
        return list(forward.batches(rows))[size.index]
