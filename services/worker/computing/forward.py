"""From a step's rows to its loss, by the model's own forward or by the layers of `engine/`."""

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from copy import copy
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle
from transformers import PreTrainedModel

from services.worker.computing import short_attention
from services.worker.computing.batching import MicroBatch, micro_batches, packed_batches
from services.worker.computing.engine.forward import EngineLayers
from services.worker.computing.kept_weights import KeptWeights
from services.worker.computing.loss import choose_loss
from services.worker.computing.plan.plan import Plan
from services.worker.computing.plan.precision import autocast
from services.worker.computing.plan.workload import common_prefix
from services.worker.machine.peak_memory import look_at_memory
from services.worker.phase_clock import PhaseClock
from services.worker.text.marked_text import TokenRow


class Forward(Protocol):
    """How a plan computes; `Any` is a micro-batch of its own kind, with its `real` and `computed` tokens."""

    def batches(self, rows: Sequence[TokenRow], *, seed: int = 0) -> Iterator[Any]:
        """The rows as micro-batches; together they are exactly `rows`. `seed` is their step's, by which
        adapters drop inputs while the model trains, whatever the split.
        """

    def loss(self, batch: Any, scale: float) -> Tensor:
        """The sum of the batch's targets' cross-entropy times `scale`: an fp32 scalar."""

    def step_over(self) -> None:
        """What is kept for a step can be let go."""

    def run_begins(self) -> None:
        """The steps of a run follow: the model may be set up for them."""

    def run_over(self) -> None:
        """The model is again what it was before the run; to be called however that ended."""

    def by(self, plan: Plan) -> "Forward | None":
        """The same by another plan, with what is kept of the model in common; None where they have nothing.

        Of the two only one may have a run at a time.
        """


CPU = torch.device("cpu")


def choose_forward(
    model: PreTrainedModel,
    plan: Plan,
    device: torch.device,
    *,
    fp32: bool = False,
    clock: PhaseClock | None = None,
) -> Forward:
    """`fp32`: without autocast, whatever the model's dtype; the layers of `engine/` have no such way.

    On `clock`, within what its owner calls making micro-batches, forward and backward, "copy",
    "recomputation" and "head_and_loss" are told apart.
    """
    clock = clock or PhaseClock()
    if plan.own_layers:
        return EngineForward(model, plan, device, clock)
    return ModelForward(model, plan, device, clock, fp32=fp32)


class ModelForward:
    """The model's forward and torch's autocast, whatever the model is; `fp32`: without autocast."""

    def __init__(
        self,
        model: PreTrainedModel,
        plan: Plan,
        device: torch.device,
        clock: PhaseClock,
        *,
        fp32: bool = False,
    ) -> None:
        self._model, self._plan, self._device, self._fp32 = model, plan, device, fp32
        self._clock, self._hooks = clock, list[RemovableHandle]()
        self._head_has_backward = False
        self._loss = choose_loss(model, full_logits=plan.full_logits)
        self._weights = KeptWeights(model) if plan.weights == "run" else None

    def batches(self, rows: Sequence[TokenRow], *, seed: int = 0) -> Iterator[MicroBatch]:
        """Dropout draws from torch's own generator here, in the order of the micro-batches."""
        for batch in micro_batches(rows, self._plan, CPU):
            with self._clock.phase("copy"):
                copied = batch.to(self._device)
            yield copied

    def loss(self, batch: MicroBatch, scale: float) -> Tensor:
        with nullcontext() if self._fp32 else autocast(self._model, self._device):
            loss = self._loss(batch, scale)
        look_at_memory(self._device)
        if self._head_has_backward:
            loss.register_hook(lambda _: self._clock.becomes("head_and_loss"))
            self._head_has_backward = False
        return loss

    def step_over(self) -> None:
        return

    def run_begins(self) -> None:
        if self._weights is not None:
            self._weights.put_in()
        if self._plan.attention == "short_rows":
            short_attention.put_in()
        if self._plan.gradient_checkpointing:
            self._model.activation_checkpointing_enable(
                activation_checkpointing_kwargs={"use_reentrant": False}
            )
            time_recomputation(self._model, self._clock)
        head = self._model.get_output_embeddings()
        if head is not None:
            self._hooks.append(head.register_forward_pre_hook(self._head_begins))

    def run_over(self) -> None:
        while self._hooks:
            self._hooks.pop().remove()
        if self._weights is not None:
            self._weights.take_out()
        if self._plan.attention == "short_rows":
            short_attention.take_out()
        if self._plan.gradient_checkpointing:
            self._model.activation_checkpointing_disable()
            self._model.disable_input_require_grads()

    def _head_begins(self, head: nn.Module, seen: tuple[Any, ...]) -> None:
        """What follows of the forward pass is the head and the loss; with all logits so is the backward pass
        until the gradient of `seen` is there. Logits of targets alone have their gradient on the way.
        """
        self._clock.becomes("head_and_loss")
        if seen and isinstance(seen[0], Tensor) and seen[0].grad_fn is not None:
            seen[0].register_hook(lambda _: self._clock.becomes("backward"))
            self._head_has_backward = True

    def by(self, plan: Plan) -> "ModelForward | None":
        same = plan.full_logits == self._plan.full_logits and plan.weights == self._plan.weights
        if plan.own_layers or not same:
            return None
        other = copy(self)
        other._plan = plan
        return other


def time_recomputation(model: PreTrainedModel, clock: PhaseClock) -> None:
    """Until checkpointing is turned off, which gives every layer torch's own function back."""

    def timed(plain: Any) -> Any:
        return lambda function, *args, **kwargs: plain(clock.computing_again(function), *args, **kwargs)

    for module in model.modules():
        if (plain := getattr(module, "_gradient_checkpointing_func", None)) is not None:
            module._gradient_checkpointing_func = timed(plain)


class EngineForward:
    """The layers of `engine/`; of the plan's shared prefix only what the rows at hand really share."""

    def __init__(self, model: PreTrainedModel, plan: Plan, device: torch.device, clock: PhaseClock) -> None:
        self._plan, self._device, self._clock = plan, device, clock
        self._layers = EngineLayers(
            model, keep=plan.weights, recompute_every=_recompute_every(plan), clock=clock
        )

    def loss(self, batch: Any, scale: float) -> Tensor:
        loss = self._layers(batch, scale)
        look_at_memory(self._device)
        return loss

    def step_over(self) -> None:
        self._layers.step_over()

    def run_over(self) -> None:
        self._layers.step_over()

    def batches(self, rows: Sequence[TokenRow], *, seed: int = 0) -> Iterator[Any]:
        drops = self._layers.drops
        prefix = 0 if drops else min(self._plan.shared_prefix_tokens, common_prefix(rows))
        for batch in packed_batches(
            rows, self._plan, CPU, prefix_tokens=prefix, dropout_seed=seed if drops else None
        ):
            with self._clock.phase("copy"):
                copied = batch.to(self._device)
            yield copied

    def run_begins(self) -> None:
        return

    def by(self, plan: Plan) -> "EngineForward | None":
        if not plan.own_layers or plan.weights != self._plan.weights:
            return None
        other = copy(self)
        other._plan = plan
        other._layers = self._layers.recomputing(_recompute_every(plan))
        return other


def _recompute_every(plan: Plan) -> int | None:
    return plan.recompute_every if plan.gradient_checkpointing else None
