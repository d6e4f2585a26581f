"""Cross-entropy at the sources of targets, in chunks, with its gradient computed on the way."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from services.worker.training.engine.layout import PackedBatch

LOGITS_AT_ONCE = {"cpu": 2**23, "cuda": 2**25}  # 32 and 128 MiB in fp32; a CPU gains from staying in its cache


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
        source_rows = torch.zeros(len(hidden), device=hidden.device)
        source_rows.index_add_(0, batch.label_sources, batch.label_rows)
        borders = torch.arange(0, len(hidden) + at_once, at_once, device=hidden.device)
        ends = torch.searchsorted(batch.label_sources, borders).tolist()
        for index, (first, last) in enumerate(zip(ends[:-1], ends[1:], strict=True)):
            chunk = slice(index * at_once, (index + 1) * at_once)
            labels, counts = batch.labels[first:last], batch.label_rows[first:last] * scale
            at = batch.label_sources[first:last] - chunk.start
            log_p = F.linear(hidden[chunk], weight).float().log_softmax(-1)
            total -= (log_p[at, labels] * counts).sum()
            if gradient is not None:
                slope = log_p.exp_().mul_(source_rows[chunk, None] * scale)
                slope.index_put_((at, labels), -counts, accumulate=True)
                gradient[chunk] = slope.to(hidden.dtype) @ weight
        ctx.save_for_backward(gradient)
        return total

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, None, None, None]:
        (gradient,) = ctx.saved_tensors
        return (None if gradient is None else gradient * upstream.to(gradient.dtype)), None, None, None
