"""The mean loss over rows that are not learned."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from transformers import PreTrainedModel

from services.worker.computing.batching import target_count
from services.worker.computing.forward import Forward, choose_forward
from services.worker.computing.plan.plan import Plan
from services.worker.text.marked_text import TokenRow

ROWS_AT_ONCE = 256


@torch.no_grad()
def mean_loss(
    model: PreTrainedModel,
    rows: Sequence[TokenRow],
    plan: Plan,
    *,
    device: torch.device,
    tick: Callable[[], None] = lambda: None,
    tick_rows: Callable[[int], None] = lambda rows: None,
    forward: Forward | None = None,
    each: Callable[[list[Any]], Iterable[Any]] = iter,
) -> float:
    """Cross-entropy summed over all targets, divided by their number; the model is left in the mode it was
    in. `forward` is the run's own where there is one, so that its weights are not kept twice. `each` is told
    of the micro-batches of a stretch of rows, and gives them one by one.
    """
    was_training = model.training
    model.eval()
    try:
        forward = forward or choose_forward(model, plan, device)
        total, done = 0.0, 0
        for start in range(0, len(rows), ROWS_AT_ONCE):  # a stretch at a time is sorted by length
            for batch in each(list(forward.batches(rows[start : start + ROWS_AT_ONCE]))):
                total += float(forward.loss(batch, 1.0))
                tick()
            done += len(rows[start : start + ROWS_AT_ONCE])
            tick_rows(done)
        forward.step_over()
        return total / target_count(rows)
    finally:
        model.train(was_training)
