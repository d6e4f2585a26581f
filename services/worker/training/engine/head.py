"""Cross-entropy at the sources of targets, in chunks, with its gradient computed on the way."""

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from services.worker.training.engine.layout import PackedBatch

LOGITS_AT_ONCE = {
    "cpu": 2**23,
    "cuda": 2**25,
}  # 32 and 128 MiB in fp32; a CPU gains from staying in its cache


def cross_entropy(hidden: Tensor, head: nn.Linear, batch: PackedBatch, scale: float) -> Tensor:
    """Summed over `batch`'s targets, by the rows that learn them, times `scale`: an fp32 scalar.

    hidden [sources, hidden] is what the head sees at `batch.sources`. The head is frozen; never more than
    `LOGITS_AT_ONCE` logits exist.
    """
    total: Tensor = _CrossEntropy.apply(hidden, head, batch, scale)
    return total


class _CrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, hidden: Tensor, head: nn.Linear, batch: PackedBatch, scale: float) -> Tensor:
        weight = head.weight
        at_once = max(1, LOGITS_AT_ONCE[hidden.device.type] // len(weight))
        total = torch.zeros((), dtype=torch.float32, device=hidden.device)
        gradient = torch.empty_like(hidden) if ctx.needs_input_grad[0] else None
        source_rows = torch.zeros(len(hidden), 1, device=hidden.device)
        source_rows.index_add_(0, batch.label_sources, batch.label_rows[:, None])
        borders = torch.arange(0, len(hidden) + at_once, at_once, device=hidden.device)
        for start, (first, last) in zip(
            range(0, len(hidden), at_once),
            pairwise(torch.searchsorted(batch.label_sources, borders).tolist()),
            strict=False,
        ):
            chunk = slice(start, start + at_once)
            at = batch.label_sources[first:last] - start
            labels, counts = batch.labels[first:last], batch.label_rows[first:last]
            logits = F.linear(hidden[chunk], weight)
            chosen = logits[at, labels].float()
            p = torch.softmax(logits, dim=-1, dtype=torch.float32)
            # By the likeliest, whose p is never 0; not by its index, which takes ten times as long to find.
            log_sum = logits.amax(dim=-1).float() - p.amax(dim=-1).log()
            total += ((log_sum[at] - chosen) * counts).sum() * scale
            if gradient is not None:
                # A source's rows are multiplied in after the product: rounding is relative.
                rows = source_rows[chunk]
                p.index_put_((at, labels), -counts / rows[at, 0], accumulate=True)
                gradient[chunk] = (p.to(hidden.dtype) @ weight).mul_(rows * scale)
        ctx.save_for_backward(gradient)
        return total

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, None, None, None]:
        (gradient,) = ctx.saved_tensors
        return (None if gradient is None else gradient * upstream.to(gradient.dtype)), None, None, None
