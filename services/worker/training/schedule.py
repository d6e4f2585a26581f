"""The learning rate of a step."""

import math

from shared.schemas.hyperparameters import LearningRateSchedule


def learning_rate(
    step: int,
    *,
    peak: float,
    total_steps: int,
    warmup_ratio: float,
    schedule: LearningRateSchedule = "cosine",
) -> float:
    """The rate of `step`, which counts from 0: linear warm-up (`constant` has none), then the schedule.

    The same numbers as transformers' schedules of these names with ceil(total · ratio) warm-up steps, their
    first step of rate 0 included, so that curves overlay.
    """
    warmup_steps = math.ceil(total_steps * warmup_ratio)
    if schedule != "constant" and step < warmup_steps:
        return peak * step / max(1, warmup_steps)
    done = (step - warmup_steps) / max(1, total_steps - warmup_steps)
    match schedule:
        case "cosine":
            return peak * max(0.0, 0.5 * (1.0 + math.cos(math.pi * done)))
        case "linear":
            return peak * max(0.0, 1.0 - done)
        case "constant" | "constant_with_warmup":
            return peak
