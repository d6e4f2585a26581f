"""A micro-batch through a few of a model's layers: what it holds, and what it takes."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel

from services.worker.computing.forward import Forward, choose_forward
from services.worker.computing.plan.plan import Plan
from services.worker.computing.predicting.first_layers import first_layers
from services.worker.computing.predicting.live_memory import LiveMemory


@dataclass(frozen=True)
class Held:
    """Bytes of tensors that forward and backward made: alive between the two (`kept`), and at most (`peak`),
    `logits` of it logits, their gradients and copies.
    """

    kept: int
    peak: int
    logits: int


@dataclass(frozen=True)
class Took:
    """Seconds of the device."""

    forward: float
    backward: float

    @property
    def seconds(self) -> float:
        return self.forward + self.backward


class SmallRun:
    """The first `layers` of a model that carries its adapter (None: all), computing as `plan` says.

    Micro-batches are run as in training, but the gradients are thrown away. Use `ready` around all calls.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        plan: Plan,
        parameters: Mapping[str, nn.Parameter],
        device: torch.device,
        *,
        layers: int | None,
    ) -> None:
        self._model, self._plan, self._device = model, plan, device
        self._parameters, self._layers = parameters, layers

    @contextmanager
    def ready(self) -> Iterator[Forward]:
        """The forward to make micro-batches with. The model is afterwards what it was."""
        was_training = self._model.training
        with nullcontext() if self._layers is None else first_layers(self._model, self._layers):
            self._model.train()
            forward = choose_forward(self._model, self._plan, self._device)
            try:
                forward.run_begins()
                yield forward
            finally:
                forward.run_over()
                self._model.train(was_training)
                for parameter in self._parameters.values():
                    parameter.grad = None

    def held(self, forward: Forward, batch: Any) -> Held:
        """Gradients are there already, as they are for every micro-batch but a step's first."""
        for parameter in self._parameters.values():
            parameter.grad = torch.zeros_like(parameter)
        vocabulary = self._model.get_input_embeddings().weight.shape[0]
        with LiveMemory(wide=vocabulary, on_cuda=self._device.type == "cuda") as memory:
            loss = forward.loss(batch, 1.0)
            kept = memory.live
            loss.backward()
        forward.step_over()
        return Held(kept, memory.peak, memory.wide_at_peak)

    def took(self, forward: Forward, batch: Any) -> Took:
        started = self._now()
        loss = forward.loss(batch, 1.0)
        half = self._now()
        loss.backward()
        took = Took(half - started, self._now() - half)
        forward.step_over()
        return took

    def _now(self) -> float:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        return time.perf_counter()
