"""Which arms the memory would not hold, told from counting a few layers instead of trying them.

A card says when its memory is full; a machine may end the process that fills it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import nn
from transformers import PretrainedConfig

from services.worker.computing.plan.activations import BYTES_OF_A_LOGIT, ModelActivations
from services.worker.computing.plan.memory_budget import free_memory_bytes
from services.worker.computing.plan.plan import Plan
from services.worker.explaining.arm import Arm
from services.worker.explaining.memory import counted_parts
from services.worker.explaining.trial_arms import TrialArms
from services.worker.models.load import LoadedModel
from services.worker.text.rows import TokenRows
from shared.reports.training_facts import MemoryParts


@dataclass(frozen=True)
class MemoryForecasts:
    """Of a model that carries its adapter, with `rows_per_step` of `rows` in a step."""

    base: LoadedModel
    parameters: Mapping[str, nn.Parameter]
    rows: TokenRows
    rows_per_step: int
    seed: int

    def parts(self, arm: Arm) -> MemoryParts:
        """What an arm's memory is for."""
        return counted_parts(
            self.base,
            arm,
            parameters=self.parameters,
            rows=self.rows,
            rows_per_step=self.rows_per_step,
            seed=self.seed,
        )

    def too_large(self, trials: TrialArms) -> dict[str, int]:
        """Peaks in bytes of those that change a setting and would not fit; the first, as configured, is tried
        in any case.
        """
        others = [arm for arm in trials.arms[1:] if arm.name in trials.settings]
        return too_large_arms(others, self.base.model.config.get_text_config(), self.base.device, self.parts)

    def with_peaks(self, too_large: Mapping[str, int | None], trials: TrialArms) -> dict[str, int | None]:
        """With the peaks, where they can be counted, of those that did not fit when they were tried."""
        arms = {arm.name: arm for arm in trials.arms}
        return {
            name: self.parts(arms[name]).peak if peak is None else peak for name, peak in too_large.items()
        }


def too_large_arms(
    arms: Sequence[Arm],
    config: PretrainedConfig,
    device: torch.device,
    count: Callable[[Arm], MemoryParts],
) -> dict[str, int]:
    """Peaks in bytes, foretold, by the names of those that would not fit. `count` tells what an arm's memory
    is for; it is asked only where a rough estimate, which errs upwards, is more than what is free.
    """
    free = free_memory_bytes(device)
    if free is None:
        return {}
    found = dict[str, int]()
    for arm in arms:
        if at_most_bytes(arm.plan, config) < free:
            continue
        memory = count(arm)
        if memory.peak is not None and memory.limit is not None and memory.peak > memory.limit:
            found[arm.name] = memory.peak
    return found


def at_most_bytes(plan: Plan, config: PretrainedConfig) -> float:
    """Of a micro-batch by the model's own forward; endless where the model's shape does not tell."""
    tokens = plan.tokens_per_micro_batch
    try:
        layers = ModelActivations(config, 0).largest(tokens, None)
        logits = tokens * config.vocab_size * BYTES_OF_A_LOGIT
    except (AttributeError, TypeError):
        return float("inf")
    return float(layers + logits)
