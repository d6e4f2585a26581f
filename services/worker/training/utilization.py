"""How much arithmetic training takes, and how much of what the device can do that is: MFU (Chowdhery et al.
2022), for an adapter's training.
"""

import time
from dataclasses import dataclass
from typing import Any

import torch
from transformers import PretrainedConfig, PreTrainedModel

from services.worker.training.step_report import StepReport

# A product of square matrices of this size fills the device and is over in a moment.
MATRIX = {"cuda": 4096, "cpu": 1024}
TRIES = 5


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
        narrow = getattr(config, "num_key_value_heads", config.num_attention_heads) * size
        layer = 2 * config.hidden_size * (width + narrow) + 3 * config.hidden_size * config.intermediate_size
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


@dataclass(frozen=True)
class Utilization:
    """What a step's rows need, against what the device has been seen to do."""

    arithmetic: ModelArithmetic
    flops_per_second: float
    rows_per_step: int

    @classmethod
    def of(
        cls, model: PreTrainedModel, *, adapter_parameters: int, rows_per_step: int, device: torch.device
    ) -> "Utilization | None":
        """None for a model whose configuration does not say what its layers are."""
        try:
            arithmetic = ModelArithmetic.of(model.config, adapter_parameters=adapter_parameters)
        except AttributeError:
            return None
        return cls(arithmetic, matrix_flops_per_second(device), rows_per_step)

    def ratio(self, step: StepReport) -> float:
        """Above 1 is possible where rows share a prefix, since their tokens count although they are computed
        once.
        """
        needed = self.arithmetic.flops(
            tokens=step.real_tokens, targets=step.target_tokens, rows=self.rows_per_step
        )
        return needed / step.step_seconds / self.flops_per_second


def matrix_flops_per_second(device: torch.device, size: int | None = None) -> float:
    """The best of a few bf16 products of square matrices."""
    size = size or MATRIX[device.type]
    one, other = (torch.randn(size, size, device=device, dtype=torch.bfloat16) for _ in range(2))
    return 2 * size**3 / min(_seconds(one, other, device) for _ in range(TRIES))


def _seconds(one: Any, other: Any, device: torch.device) -> float:
    _wait_for(device)
    started = time.perf_counter()
    one @ other
    _wait_for(device)
    return time.perf_counter() - started


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
