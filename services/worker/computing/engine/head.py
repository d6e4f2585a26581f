"""Cross-entropy at the sources of targets, in chunks, with its gradient computed on the way."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from services.worker.computing.engine.layout import PackedBatch

LOGITS_AT_ONCE = {"cpu": 2**24, "cuda": 2**25}  # of one product, in the model's dtype: 32 and 64 MiB in bf16
# Of one softmax, in fp32. On a processor 557 rows of 49,152 take 13 ms in parts that stay in its cache, 61 in
# parts of 2^23, each of them new memory. A card's are larger, since each takes ten launches.
PROBABILITIES_AT_ONCE = {"cpu": 2**20, "cuda": 2**23}


@dataclass(frozen=True)
class Logits:
    """What becomes of the head's: they are multiplied by `factor`, and where there is a `cap`, one becomes
    cap · tanh(logit / cap).
    """

    factor: float = 1.0
    cap: float | None = None


def bytes_at_once(device_type: str, *, changed: bool = False) -> int:
    """What the loss of a bf16 model has at a time: the logits of a product, and twice those of a softmax in
    fp32, since torch copies what it computes in another dtype. Twice as much where logits are `changed`.
    """
    return 2 * LOGITS_AT_ONCE[device_type] + (16 if changed else 8) * PROBABILITIES_AT_ONCE[device_type]


def cross_entropy(
    hidden: Tensor, head: nn.Linear, batch: PackedBatch, scale: float, logits: Logits | None = None
) -> Tensor:
    """Summed over `batch`'s targets, by the rows that learn them, times `scale`: an fp32 scalar.

    hidden [sources, hidden] is what the head sees at `batch.sources`. The head is frozen. Never more than
    `LOGITS_AT_ONCE` logits exist, and `PROBABILITIES_AT_ONCE` in fp32, or one source's.
    """
    total: Tensor = _CrossEntropy.apply(hidden, head, batch, scale, logits)
    return total


class _CrossEntropy(torch.autograd.Function):
    """The gradient is made on the way forward, while a chunk's logits are there, as in Liger Kernel's fused
    linear cross-entropy (Hsu et al. 2024). A frozen head needs nothing else of them, so no logits outlive
    their chunk. The loss is a scalar: what comes from above it is one factor, which `backward` multiplies in.
    """

    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, head: nn.Linear, batch: PackedBatch, scale: float, changed: Logits | None
    ) -> Tensor:
        weight, learned = head.weight, ctx.needs_input_grad[0]
        total = torch.zeros((), dtype=torch.float32, device=hidden.device)
        gradient = torch.empty_like(hidden) if learned else None
        rows = torch.zeros(len(hidden), 1, device=hidden.device)
        rows.index_add_(0, batch.label_sources, batch.label_rows[:, None])
        buffer: Tensor | None = None  # the first chunk is the largest
        for chunk, parts in _chunks(batch, len(hidden), len(weight)):
            if buffer is None:
                buffer = hidden.new_empty(chunk.stop, len(weight))
            logits = torch.mm(hidden[chunk], weight.t(), out=buffer[: chunk.stop - chunk.start])
            for part in parts:
                total += _loss_of(part, logits[part.place], rows[chunk][part.place], learned, changed) * scale
            if gradient is not None:
                # A source's rows are multiplied in after the product: rounding is relative.
                gradient[chunk] = (logits @ weight).mul_(rows[chunk] * scale)
        ctx.save_for_backward(gradient)
        return total

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = ctx.saved_tensors
        d_hidden = None if gradient is None else gradient * upstream.to(gradient.dtype)
        return d_hidden, None, None, None, None


@dataclass(frozen=True)
class _Part:
    """Some sources of a chunk, at `place` in it, and their targets: `at` which of these sources they are
    predicted, `labels`, and for how many rows (`counts`).
    """

    place: slice
    at: Tensor
    labels: Tensor
    counts: Tensor


def _chunks(batch: PackedBatch, sources: int, vocabulary: int) -> Iterator[tuple[slice, list[_Part]]]:
    """Which sources go through the head together, and which of them through one softmax."""
    device = batch.label_sources.device
    in_chunk = max(1, LOGITS_AT_ONCE[device.type] // vocabulary)
    in_part = min(in_chunk, max(1, PROBABILITIES_AT_ONCE[device.type] // vocabulary))
    for start in range(0, sources, in_chunk):
        chunk = slice(start, min(start + in_chunk, sources))
        borders = [*range(start, chunk.stop, in_part), chunk.stop]
        yield chunk, [_part(batch, start, *pair) for pair in pairwise(borders)]


def _part(batch: PackedBatch, start: int, first: int, stop: int) -> _Part:
    """Of sources `first` to before `stop`, in the chunk that begins at `start`."""
    its = slice(batch.first_targets[first], batch.first_targets[stop])
    place = slice(first - start, stop - start)
    return _Part(place, batch.label_sources[its] - first, batch.labels[its], batch.label_rows[its])


def _loss_of(part: _Part, logits: Tensor, rows: Tensor, learned: bool, changed: Logits | None) -> Tensor:
    """Of the part's targets, summed by rows. With `learned`, `logits` become their gradient, each source's
    for one of its `rows` [sources, 1].
    """
    final, slope = (logits, None) if changed is None else _changed(logits, changed)
    chosen = final[part.at, part.labels].float()
    p = torch.softmax(final, dim=-1, dtype=torch.float32)
    # p = exp(logit - log_sum) for every word, so any one gives log_sum: the likeliest, whose p is at least
    # 1 / vocabulary, never 0. Not by its index, which takes ten times as long to find.
    log_sum = final.amax(dim=-1).float() - p.amax(dim=-1).log()
    if learned:
        # A source's targets, each for `counts` of its rows, add up to counts · (p - 1 at the target). The
        # counts add up to its rows, so for one row it is p less each target's share of them.
        p.index_put_((part.at, part.labels), -part.counts / rows[part.at, 0], accumulate=True)
        logits.copy_(p if slope is None else p.mul_(slope))
    return ((log_sum[part.at] - chosen) * part.counts).sum()


def _changed(logits: Tensor, changed: Logits) -> tuple[Tensor, Tensor | float]:
    """What becomes of them, in fp32, and its derivative."""
    final = logits.float() * changed.factor
    if changed.cap is None:
        return final, changed.factor
    final.div_(changed.cap).tanh_()
    return final * changed.cap, final.square_().neg_().add_(1).mul_(changed.factor)
