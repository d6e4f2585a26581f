"""The learning rate of a step."""

import math


def learning_rate(step: int, *, peak: float, total_steps: int, warmup_ratio: float) -> float:
    """Linear warm-up, then half a cosine down to 0; `step` counts from 0.

    The same numbers as transformers' `get_cosine_schedule_with_warmup` with ceil(total · ratio) warm-up
    steps, its first step of rate 0 included, so that curves overlay.
    """
    warmup_steps = math.ceil(total_steps * warmup_ratio)
    if step < warmup_steps:
        return peak * step / max(1, warmup_steps)
    done = (step - warmup_steps) / max(1, total_steps - warmup_steps)
    return peak * max(0.0, 0.5 * (1.0 + math.cos(math.pi * done)))
