"""From a step's rows to its loss, by the model's own forward or by the layers written out in `engine/`."""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from typing import Any, Protocol

import torch
from torch import Tensor
from transformers import PreTrainedModel

from services.worker.computing.batching import MicroBatch, micro_batches, packed_batches
from services.worker.computing.engine.forward import EngineLayers
from services.worker.computing.loss import choose_loss
from services.worker.computing.plan.levers import common_prefix
from services.worker.computing.plan.plan import Plan
from services.worker.computing.plan.precision import autocast
from services.worker.text.marked_text import TokenRow


class Forward(Protocol):
    """How a plan computes; `Any` is a micro-batch of its own kind, with its `real` and `computed` tokens."""

    def batches(self, rows: Sequence[TokenRow]) -> Iterator[Any]:
        """The rows as micro-batches; together they are exactly `rows`."""

    def loss(self, batch: Any, scale: float) -> Tensor:
        """The sum of the batch's targets' cross-entropy times `scale`: an fp32 scalar."""

    def step_over(self) -> None:
        """What is kept for a step can be let go."""

    def run_begins(self) -> None:
        """The steps of a run follow: the model may be set up for them."""

    def run_over(self) -> None:
        """The model is again what it was before the run; to be called however that ended."""


def choose_forward(
    model: PreTrainedModel, plan: Plan, device: torch.device, *, fp32: bool = False
) -> Forward:
    """`fp32`: without autocast, whatever the model's dtype; the layers of `engine/` have no such way."""
    if plan.own_layers:
        return EngineForward(model, plan, device)
    return ModelForward(model, plan, device, fp32=fp32)


class ModelForward:
    """The model's forward and torch's autocast, whatever the model is; `fp32`: without autocast."""

    def __init__(
        self, model: PreTrainedModel, plan: Plan, device: torch.device, *, fp32: bool = False
    ) -> None:
        self._model, self._plan, self._device, self._fp32 = model, plan, device, fp32
        self._loss = choose_loss(model, full_logits=plan.full_logits)

    def batches(self, rows: Sequence[TokenRow]) -> Iterator[MicroBatch]:
        return micro_batches(rows, self._plan, self._device)

    def loss(self, batch: MicroBatch, scale: float) -> Tensor:
        with nullcontext() if self._fp32 else autocast(self._model, self._device):
            return self._loss(batch, scale)

    def step_over(self) -> None:
        return

    def run_begins(self) -> None:
        if self._plan.gradient_checkpointing:
            self._model.activation_checkpointing_enable(
                activation_checkpointing_kwargs={"use_reentrant": False}
            )

    def run_over(self) -> None:
        if self._plan.gradient_checkpointing:
            self._model.activation_checkpointing_disable()
            self._model.disable_input_require_grads()


class EngineForward:
    """The layers of `engine/`; of the plan's shared prefix only what the rows at hand really share."""

    def __init__(self, model: PreTrainedModel, plan: Plan, device: torch.device) -> None:
        self._plan, self._device = plan, device
        self._layers = EngineLayers(
            model,
            keep=plan.weights,
            recompute_every=plan.recompute_every if plan.gradient_checkpointing else None,
        )
        self.loss = self._layers.__call__
        self.step_over = self.run_over = self._layers.step_over

    def batches(self, rows: Sequence[TokenRow]) -> Iterator[Any]:
        prefix = min(self._plan.shared_prefix_tokens, common_prefix(rows))
        return packed_batches(rows, self._plan, self._device, prefix_tokens=prefix)

    def run_begins(self) -> None:
        return
