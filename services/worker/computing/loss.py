"""Cross-entropy over the targets of a micro-batch, as a share of its step's."""

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import PreTrainedModel

from services.worker.computing.batching import MicroBatch
from services.worker.computing.plan.precision import inputs

LOGITS_AT_ONCE = 2**25  # 128 MiB in fp32

MicroBatchLoss = Callable[[MicroBatch, float], Tensor]
"""(micro-batch, scale) -> fp32 scalar: the sum of its targets' cross-entropy times `scale`."""


def choose_loss(model: PreTrainedModel, *, full_logits: bool) -> MicroBatchLoss:
    """Logits at the targets only, in chunks, where that is exact for this model; else all logits at once."""
    if full_logits or not head_stands_alone(model):
        return lambda batch, scale: full_logits_loss(model, batch, scale)
    return lambda batch, scale: target_logits_loss(model, batch, scale)


def full_logits_loss(model: PreTrainedModel, batch: MicroBatch, scale: float) -> Tensor:
    taken = inputs(model, batch.ids)
    logits = model(**taken, attention_mask=batch.attention_mask, use_cache=False).logits
    labels = batch.ids[:, 1:].masked_fill(~batch.targets[:, 1:], -100)
    flat = logits[:, :-1].float().flatten(0, 1)
    return F.cross_entropy(flat, labels.flatten(), ignore_index=-100, reduction="sum") * scale


def target_logits_loss(model: PreTrainedModel, batch: MicroBatch, scale: float) -> Tensor:
    """As `full_logits_loss`, but never holds more than `LOGITS_AT_ONCE` logits. The head must be frozen."""
    hidden = last_hidden(model, batch)
    wanted = batch.targets[:, 1:]
    return _chunked(hidden[:, :-1][wanted], batch.ids[:, 1:][wanted], model.get_output_embeddings(), scale)


def last_hidden(model: PreTrainedModel, batch: MicroBatch) -> Tensor:
    """What the head sees: [rows, width, hidden]."""
    decoder = model.get_decoder()
    taken = inputs(model, batch.ids)
    hidden: Tensor = decoder(**taken, attention_mask=batch.attention_mask, use_cache=False).last_hidden_state
    return hidden


@torch.no_grad()
def head_stands_alone(model: PreTrainedModel) -> bool:
    """Whether logits are `head(decoder(ids))` and nothing else, seen by computing both ways.

    Some models scale or cap their logits after the head; and a trained head needs the ordinary backward pass.
    """
    head, decoder = model.get_output_embeddings(), model.get_decoder()
    if (
        head is None
        or decoder in (None, head)
        or any(parameter.requires_grad for parameter in head.parameters())
    ):
        return False
    training = model.training
    model.eval()
    try:
        ids = torch.arange(1, 9, device=head.weight.device).unsqueeze(0)
        hidden = getattr(decoder(input_ids=ids, use_cache=False), "last_hidden_state", None)
        if hidden is None or hidden.dtype != head.weight.dtype:
            return False
        return torch.equal(head(hidden), model(input_ids=ids, use_cache=False).logits)
    finally:
        model.train(training)


def _chunked(hidden: Tensor, labels: Tensor, head: nn.Linear, scale: float) -> Tensor:
    total: Tensor = _ChunkedCrossEntropy.apply(hidden, labels, head, scale)
    return total


class _ChunkedCrossEntropy(torch.autograd.Function):
    """Computes the gradient chunk by chunk in the forward pass, so that no chunk's logits outlive it.

    hidden [targets, hidden], labels int64 [targets] -> fp32 scalar. The head gets no gradient.
    """

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, labels: Tensor, head: nn.Linear, scale: float) -> Tensor:
        rows = max(1, LOGITS_AT_ONCE // head.out_features)
        total = torch.zeros((), dtype=torch.float32, device=hidden.device)
        gradient = torch.empty_like(hidden) if ctx.needs_input_grad[0] else None
        for start in range(0, len(hidden), rows):
            part = hidden[start : start + rows].detach().requires_grad_(gradient is not None)
            with torch.set_grad_enabled(gradient is not None):
                logits = head(part).float()
                loss = F.cross_entropy(logits, labels[start : start + rows], reduction="sum") * scale
            total += loss.detach()
            if gradient is not None:
                gradient[start : start + rows] = torch.autograd.grad(loss, part)[0]
        ctx.save_for_backward(gradient)
        return total

    @staticmethod
    def backward(ctx: Any, upstream: Tensor) -> tuple[Tensor | None, None, None, None]:
        (gradient,) = ctx.saved_tensors
        return (None if gradient is None else gradient * upstream.to(gradient.dtype)), None, None, None
