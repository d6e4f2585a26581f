"""How much arithmetic training takes, and how much of what the device can do that is: MFU (Chowdhery et al.
2022), for an adapter's training.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import torch
from transformers import PretrainedConfig, PreTrainedModel

from services.worker.computing.engine.description import inner_size

# A product of square matrices of this size fills the device and is over in a moment.
MATRIX = {"cuda": 4096, "cpu": 1024}
# A processor without arithmetic for bf16 is faster in fp32.
DTYPES = {"cuda": (torch.bfloat16,), "cpu": (torch.bfloat16, torch.float32)}
COPIED_BYTES = {"cuda": 2**28, "cpu": 2**27}
# The best of many: other programs on the device make single ones slow.
TRIES, TRIES_AT_MOST, MEASURED_SECONDS = 5, 50, 0.3


class MeasuredStep(Protocol):
    """What a step did, and in what time."""

    @property
    def step_seconds(self) -> float: ...

    @property
    def computed_tokens(self) -> int: ...

    @property
    def real_tokens(self) -> int: ...

    @property
    def target_tokens(self) -> int: ...


@dataclass(frozen=True)
class ModelArithmetic:
    """The multiply-adds of a forward pass: for each token, each target, and each pair of a token and one it
    sees; `adapter` is the number of the adapter's own parameters.
    """

    token: int
    target: int
    pair: int
    adapter: int

    @classmethod
    def of(cls, config: PretrainedConfig, *, adapter_parameters: int) -> "ModelArithmetic":
        """Of a Llama and what is built like one."""
        config = config.get_text_config()
        size = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        width = config.num_attention_heads * size
        narrow = (getattr(config, "num_key_value_heads", None) or config.num_attention_heads) * size
        layer = 2 * config.hidden_size * (width + narrow) + 3 * config.hidden_size * inner_size(config)
        layers: int = config.num_hidden_layers
        head = config.vocab_size * config.hidden_size
        return cls(layers * layer, head, layers * 2 * width, adapter_parameters)

    def flops(self, *, tokens: float, targets: float, rows: float) -> float:
        """Of a training step, in which nothing is computed twice and no padding at all.

        Frozen weights are multiplied twice (forward, gradient of the input), the adapter's three times, as is
        attention; a token sees half of its row on average.
        """
        pairs = tokens * (tokens / rows) / 2
        frozen = 4 * (self.token * tokens + self.target * targets)
        return frozen + 6 * (self.adapter * tokens + self.pair * pairs)


@dataclass
class Utilization:
    """What a step's rows need, against what the device has been seen to do.

    `flops_per_second` grows: a step that did more arithmetic a second shows that it was measured while others
    used the device, so it is measured again by `measure`, and is never below what a step achieved.
    """

    arithmetic: ModelArithmetic
    flops_per_second: float
    rows_per_step: int
    measure: Callable[[], float] = lambda: 0.0

    @classmethod
    def of(
        cls, model: PreTrainedModel, *, adapter_parameters: int, rows_per_step: int, device: torch.device
    ) -> "Utilization | None":
        """None for a model whose configuration does not say what its layers are."""
        try:
            arithmetic = ModelArithmetic.of(model.config, adapter_parameters=adapter_parameters)
        except (AttributeError, TypeError):
            return None
        measure = partial(best_flops_per_second, device)
        return cls(arithmetic, measure(), rows_per_step, measure)

    def ratio(self, step: MeasuredStep) -> float:
        """Never above 1: padding does not count, nor does what rows share and is computed once."""
        achieved = self._flops(step, step.computed_tokens) / step.step_seconds
        if achieved > self.flops_per_second:
            self.flops_per_second = max(achieved, self.measure())
        needed = min(step.real_tokens, step.computed_tokens)
        return self._flops(step, needed) / step.step_seconds / self.flops_per_second

    def _flops(self, step: MeasuredStep, tokens: int) -> float:
        return self.arithmetic.flops(tokens=tokens, targets=step.target_tokens, rows=self.rows_per_step)


# By device, of this process's life: a job that measured in peace serves all later ones.
_BEST: dict[str, float] = {}


def best_flops_per_second(device: torch.device) -> float:
    """The most that this process has ever measured of the device, now included."""
    now = matrix_flops_per_second(device)
    _BEST[str(device)] = max(now, _BEST.get(str(device), 0.0))
    return _BEST[str(device)]


def known_flops_per_second(device: torch.device) -> float | None:
    """The same without measuring now; None before the first time."""
    return _BEST.get(str(device))


def matrix_flops_per_second(device: torch.device, size: int | None = None) -> float:
    """The best of many products of square matrices, in the number format that is fastest there."""
    size = size or MATRIX[device.type]
    return max(flops_per_second_in(dtype, device, size) for dtype in DTYPES[device.type])


def flops_per_second_in(dtype: torch.dtype, device: torch.device, size: int | None = None) -> float:
    """The same in one number format."""
    size = size or MATRIX[device.type]
    one, other = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    best, tries, until = float("inf"), 0, time.perf_counter() + MEASURED_SECONDS
    while tries < TRIES or (tries < TRIES_AT_MOST and time.perf_counter() < until):
        best = min(best, _seconds(lambda: one @ other, device))
        tries += 1
    return 2 * size**3 / best


def memory_bytes_per_second(device: torch.device) -> float:
    """The best of some copies of a tensor that no cache holds: its bytes read and written."""
    source = torch.empty(COPIED_BYTES[device.type], dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    best = min(_seconds(lambda: target.copy_(source), device) for _ in range(TRIES))
    return 2 * source.numel() / best


def _seconds(work: Callable[[], Any], device: torch.device) -> float:
    _wait_for(device)
    started = time.perf_counter()
    work()
    _wait_for(device)
    return time.perf_counter() - started


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
