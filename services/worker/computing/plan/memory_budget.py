"""What fits into a device's memory, and which of it takes the least time."""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import torch
from transformers import PretrainedConfig

from services.worker.computing.engine.description import describe
from services.worker.computing.engine.head import bytes_at_once
from services.worker.computing.plan.activations import CountedActivations, EngineActivations, ModelActivations
from services.worker.computing.plan.utilization import ModelArithmetic, matrix_flops_per_second
from services.worker.computing.plan.workload import UNKNOWN_WORKLOAD, Workload
from services.worker.models.reading.page_cache import available_memory_bytes

# Of what is free. A card's memory is all a job's, but its allocator loses some to gaps.
SHARE_FOR_ACTIVATIONS = {"cuda": 0.85, "cpu": 0.4}
SHARE_FOR_WEIGHTS = 0.3  # dequantized for the whole run
SHARE_AT_MOST = 0.95
# A parameter's gradient and its two moments, and the copies in bf16 that a step makes of it.
BYTES_OF_A_TRAINED_PARAMETER = 16
# Tokens of a micro-batch. A CPU gains nothing from large ones, and answers a cancel later.
MICRO_BATCH_TOKENS = {"cuda": (4096, 2048, 1024, 768, 512), "cpu": (1024, 512)}
RECOMPUTING = (None, 2, 1)  # of so many layers one
CLOSE = 0.15  # the estimate tells plans no better apart than that
# What a micro-batch costs beside its tokens: dequantizing, and on a card launching every layer's kernels
# twice (an H200's processor took 0.13 s for 30 layers).
DEQUANTIZING_TOKENS = 64
LAUNCHING_SECONDS_OF_A_LAYER = 0.13 / 30
SHARE_OF_MATRIX_SPEED = 0.5  # what is left of the speed of large products for a layer's


@dataclass(frozen=True)
class MemoryBudget:
    """The memory a plan is made for (`free_bytes`), and what the choice of micro-batches depends on.

    `forbearance`: by how much a share may be exceeded.
    """

    activations: ModelActivations | CountedActivations | EngineActivations
    free_bytes: float
    workload: Workload = UNKNOWN_WORKLOAD
    device_type: str = "cpu"
    micro_batch_cost_tokens: int = DEQUANTIZING_TOKENS

    @property
    def dequantized_bytes(self) -> int:
        return self.workload.dequantized_bytes

    @property
    def weights(self) -> Literal["use", "run"]:
        return "run" if self.dequantized_bytes and self.keeps_weights() else "use"

    def keeps_weights(self, *, forbearance: float = 1.0) -> bool:
        return self.dequantized_bytes <= self.free_bytes * SHARE_FOR_WEIGHTS * forbearance

    def fits(
        self, tokens: int, recompute_every: int | None, *, weights: str, forbearance: float = 1.0
    ) -> bool:
        """Whether a micro-batch does, beside `weights` that stay dequantized."""
        share = min(SHARE_AT_MOST, forbearance * SHARE_FOR_ACTIVATIONS[self.device_type])
        free = self.free_bytes - (0 if weights == "use" else self.dequantized_bytes)
        return self.activations.largest(tokens, recompute_every) <= free * share

    def best_micro_batches(self) -> tuple[int, int | None]:
        """Tokens of a micro-batch, and of how many layers one is computed again (None: of none): the quickest
        that fits, or the smallest.

        A small card computes all the time: there smaller micro-batches cost less than computing anything
        twice. A large one waits for its processor: there the fewer micro-batches the better.
        """
        fitting = self.fitting_choices()
        return min(fitting, key=lambda choice: self._cost(*choice)) if fitting else self._choices()[-1]

    def close_choices(self, within: float = CLOSE) -> list[tuple[int, int | None]]:
        """The same, with all others that by the estimate take no more than `within` longer; the quickest
        first. Of those that split a step alike only the first.
        """
        costs: dict[float, tuple[int, int | None]] = {}
        for choice in self.fitting_choices():
            costs.setdefault(self._cost(*choice), choice)
        least = min(costs, default=0.0)
        return [costs[cost] for cost in sorted(costs) if cost <= (1 + within) * least]

    def fitting_choices(self) -> list[tuple[int, int | None]]:
        """Tokens and recomputing of all micro-batches that are considered and fit into the memory."""
        return [choice for choice in self._choices() if self.fits(*choice, weights=self.weights)]

    def _choices(self) -> list[tuple[int, int | None]]:
        own = self.workload.own_layers
        return [
            (tokens, every)
            for every in RECOMPUTING
            for tokens in MICRO_BATCH_TOKENS[self.device_type]
            if own or every != 2
        ]

    def _cost(self, tokens: int, recompute_every: int | None) -> float:
        """Time of a token, in that of one computed once in an endless micro-batch.

        Forward and the gradient of inputs take as long as each other, so a second forward is half as much.
        """
        row = self.workload.mean_row or self.activations.longest_row
        whole_rows = max(1, tokens // row) * row
        filled = max(1.0, min(whole_rows, self.workload.step_tokens or whole_rows))
        twice = 0.0 if recompute_every is None else 0.5 / recompute_every
        return (1 + twice) * (1 + self.micro_batch_cost_tokens / filled)


def find_memory_budget(
    config: PretrainedConfig,
    *,
    max_seq_length: int,
    device: torch.device,
    workload: Workload = UNKNOWN_WORKLOAD,
) -> MemoryBudget:
    """The memory budget that `device` has now."""
    longest = workload.longest_row or max_seq_length
    activations = (
        EngineActivations(
            config,
            longest,
            workload.shared_prefix_tokens,
            whole_scores=workload.whole_scores,
            drops=workload.drops,
            head_bytes=bytes_at_once(device.type, changed=describe(config).scales.changes_logits),
        )
        if workload.own_layers
        else workload.counted or ModelActivations(config, longest)
    )
    free = free_memory_bytes(device)
    trained = workload.adapter_parameters * BYTES_OF_A_TRAINED_PARAMETER
    return MemoryBudget(
        activations,
        math.inf if free is None else float(max(0, free - trained)),
        workload,
        device.type,
        micro_batch_cost_tokens(config, _matrix_speed(device) if device.type == "cuda" else 0.0),
    )


def micro_batch_cost_tokens(config: PretrainedConfig, flops_per_second: float) -> int:
    """Rounded to a power of two, lest every run on a card have another plan. 0 flops: nothing is launched."""
    try:
        token = ModelArithmetic.of(config, adapter_parameters=0).flops(tokens=1, targets=1, rows=1)
    except (AttributeError, TypeError):
        return DEQUANTIZING_TOKENS
    launching = config.num_hidden_layers * LAUNCHING_SECONDS_OF_A_LAYER
    tokens = DEQUANTIZING_TOKENS + launching * flops_per_second * SHARE_OF_MATRIX_SPEED / token
    return int(2 ** round(math.log2(tokens)))


@lru_cache
def _matrix_speed(device: torch.device) -> float:
    return matrix_flops_per_second(device)


def free_memory_bytes(device: torch.device) -> int | None:
    """None where the system does not say. What torch keeps of an earlier job's memory is free to it, what a
    cap on this process (`torch.cuda.set_per_process_memory_fraction`) forbids is not.
    """
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info(device)
        reserved, allocated = torch.cuda.memory_reserved(device), torch.cuda.memory_allocated(device)
        # Unlike its neighbours it takes no device without an index.
        allowed = int(torch.cuda.get_per_process_memory_fraction(device.index) * total)
        return min(free + reserved, allowed) - allocated
    return available_memory_bytes()
