"""Which arms the memory would not hold, told from counting a few layers instead of trying them.

A card says when its memory is full; a machine may end the process that fills it.
"""

from collections.abc import Callable, Mapping, Sequence

import torch
from transformers import PretrainedConfig

from services.worker.computing.plan.activations import BYTES_OF_A_LOGIT, ModelActivations
from services.worker.computing.plan.memory_budget import free_memory_bytes
from services.worker.computing.plan.plan import Plan
from services.worker.explaining.arm import Arm
from shared.reports.training_facts import MemoryParts


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


def with_peaks(
    too_large: Mapping[str, int | None], arms: Sequence[Arm], count: Callable[[Arm], MemoryParts]
) -> dict[str, int | None]:
    """With the peaks, where they can be counted, of those that did not fit when they were tried."""
    by_name = {arm.name: arm for arm in arms}
    return {name: peak if peak is not None else count(by_name[name]).peak for name, peak in too_large.items()}


def at_most_bytes(plan: Plan, config: PretrainedConfig) -> float:
    """Of a micro-batch by the model's own forward; endless where the model's shape does not tell."""
    tokens = plan.tokens_per_micro_batch
    try:
        layers = ModelActivations(config, 0).largest(tokens, None)
        logits = tokens * config.vocab_size * BYTES_OF_A_LOGIT
    except (AttributeError, TypeError):
        return float("inf")
    return float(layers + logits)
