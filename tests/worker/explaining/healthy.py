"""Facts of a training that nothing holds up: tests change what they are about."""

from typing import Any

from shared.messages.message import say
from shared.reports.machine import Memory, Pressure, ProcessorUse
from shared.reports.training_facts import (
    Basis,
    DeviceFacts,
    Factor,
    FactorCost,
    StepSplit,
    TokenCounts,
    TrainingFacts,
)
from shared.training_settings.settings import TrainingSettings

STEP_SECONDS = 2.0
CARD = DeviceFacts(
    name="a card",
    kind="cuda",
    power_watts=60,
    power_limit_watts=70,
    clock_hertz=1.4e9,
    clock_start_hertz=1.5e9,
    temperature_celsius=70,
    throttle_reasons=("power",),  # normal for a small card: what counts is its clock
    memory_bytes=6_000_000_000,
    free_bytes=1_000_000_000,
    shared_memory_bytes=50_000_000,
    shared_memory_start_bytes=50_000_000,
    other_processes_bytes=400_000_000,  # a desktop
    busy_ratio=0.97,
)
PROCESSOR = DeviceFacts(name="cpu", kind="cpu")


def healthy(**changes: Any) -> TrainingFacts:
    facts = TrainingFacts(
        model="a model",
        settings=TrainingSettings(gradient_checkpointing=False, padding="longest").model_dump(mode="json"),
        plan={"name": "auto", "full_logits": False},
        total_steps=1000,
        rows_per_step=16,
        stages={"model_load": 10.0},
        step=split(data=0.01, forward=0.8, backward=1.1, optimizer=0.03),
        between_seconds={"validation": 30.0, "saving": 4.0},
        between_counts={"validation": 3, "saving": 4},
        validation_rows=100,
        tokens=tokens(),
        factors=(
            cost("gradient_checkpointing", 0.75),
            cost("batch_size", 1.05),
            cost("padding", 1.02, basis="counted"),
        ),
        device=CARD,
        machine_memory=Memory(total_bytes=16_000_000_000, swap_total_bytes=2**31, swap_free_bytes=2**30),
        pressure=Pressure(
            seconds=100.0, swapped_in_bytes=4096, memory_stalled_ratio=0.01,
            processor_limit=4.0, processor_throttled_ratio=0.02,
        ),
        processor=ProcessorUse(
            seconds=100.0, processors=4.0, threads=4,
            own_processors=3.5, others_processors=0.3, waited_ratio=0.02,
        ),
        compute_dtype="bfloat16",
        recomputed_ratio=0.0,
    )  # fmt: skip
    return facts.model_copy(update=changes)


def split(**phase_seconds: float) -> StepSplit:
    """Of a step of `STEP_SECONDS`; the rest is `rest`."""
    rest = STEP_SECONDS - sum(phase_seconds.values())
    return StepSplit(
        step_seconds=STEP_SECONDS, phase_seconds={**phase_seconds, "rest": rest}, steps=9, how="timers"
    )


def tokens(**changes: Any) -> TokenCounts:
    counts = TokenCounts(
        rows=1000, real_tokens=100_000, computed_tokens=102_000, target_tokens=10_000,
        mean=100, p50=90, p95=200, longest=240, answers=1000,
    )  # fmt: skip
    return counts.model_copy(update=changes)


def cost(factor: Factor, ratio: float, *, basis: Basis = "measured") -> FactorCost:
    """How many times faster a step is after the change."""
    return FactorCost(
        factor=factor, as_is="as it is", changed="changed", basis=basis, as_is_seconds=STEP_SECONDS,
        changed_seconds=STEP_SECONDS / ratio, ratio=ratio, rounds=9, same_learning=True,
        advice=say("advice-padding"),
    )  # fmt: skip
