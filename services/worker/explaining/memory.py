"""What the memory of a step as configured is for."""

from collections.abc import Mapping

from torch import nn

from services.worker.computing.batching import Schedule
from services.worker.computing.plan.memory_budget import free_memory_bytes
from services.worker.computing.predicting.counted_memory import count_micro_batch
from services.worker.computing.predicting.step_list import list_steps
from services.worker.computing.predicting.trial import Trial
from services.worker.explaining.arm import Arm
from services.worker.machine.peak_memory import bytes_now
from services.worker.models.load import LoadedModel
from services.worker.models.memory import free_device_memory
from services.worker.text.rows import TokenRows
from services.worker.training.memory_parts import memory_parts
from shared.reports.training_facts import MemoryParts


def counted_parts(
    base: LoadedModel,
    arm: Arm,
    *,
    parameters: Mapping[str, nn.Parameter],
    rows: TokenRows,
    rows_per_step: int,
    seed: int,
) -> MemoryParts:
    """Counted over a few layers, or the weights alone where that fails and for fp32. The model carries
    its adapter.
    """
    if arm.fp32:
        return MemoryParts(weights=base.model.get_memory_footprint())
    plan = arm.plan
    schedule = Schedule.of(
        len(rows.rows),
        rows_per_step=min(rows_per_step, len(rows.rows)),
        seed=seed,
        n_epochs=1,
        max_steps=None,
    )
    cut = [row if plan.pad_to is None else row.cut(plan.pad_to) for row in rows.rows]
    held, free = bytes_now(base.device), free_memory_bytes(base.device)
    trial = Trial(base.model, plan, parameters, cut, schedule, base.device)
    try:
        counted = count_micro_batch(trial, list_steps(cut, schedule, plan), held)
    except Exception:  # whatever it is: the report is of more than this
        free_device_memory(base.device)
        return MemoryParts(weights=base.model.get_memory_footprint())
    return memory_parts(base, counted, parameters, "adamw", held=held, free=free)
