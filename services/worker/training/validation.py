"""The mean loss over rows that are not learned."""

from collections.abc import Callable, Sequence

import torch
from transformers import PreTrainedModel

from services.worker.training.batching import micro_batches, target_count
from services.worker.training.loss import choose_loss
from services.worker.training.marked_text import TokenRow
from services.worker.training.plan import Plan
from services.worker.training.precision import autocast

ROWS_AT_ONCE = 256


@torch.no_grad()
def mean_loss(
    model: PreTrainedModel,
    rows: Sequence[TokenRow],
    plan: Plan,
    *,
    device: torch.device,
    tick: Callable[[], None] = lambda: None,
) -> float:
    """Cross-entropy summed over all targets, divided by their number; the model is left in the mode it was
    in.
    """
    was_training = model.training
    model.eval()
    try:
        loss_of = choose_loss(model, full_logits=plan.full_logits)
        total = 0.0
        for start in range(0, len(rows), ROWS_AT_ONCE):  # a stretch at a time is sorted by length
            for batch in micro_batches(rows[start : start + ROWS_AT_ONCE], plan, device):
                with autocast(model, device):
                    total += float(loss_of(batch, 1.0))
                tick()
        return total / target_count(rows)
    finally:
        model.train(was_training)
