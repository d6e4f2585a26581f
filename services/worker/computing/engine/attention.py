"""Causal attention over the groups of a packed micro-batch."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from services.worker.computing.engine.layout import AttentionGroup, PackedBatch
from services.worker.computing.engine.rotary import Heads, Positions
from services.worker.computing.engine.score_gradients import score_gradients
from services.worker.computing.engine.varlen import has_kernel, varlen_attention


def attend(
    qkv: Tensor, batch: PackedBatch, heads: Heads, positions: Positions | None, dtype: torch.dtype
) -> Tensor:
    """Queries, keys, values [tokens, (queries + 2 · keys) · size] -> [tokens, queries · size], computed in
    `dtype` once they have their positions (None: they get none).

    A token sees the prefix and the tokens of its own row up to itself, of these the last `heads.window`.
    """
    if heads.cap is None and has_kernel(qkv.device, dtype, heads.size):
        return varlen_attention(qkv, batch.borders, heads, positions, dtype)
    out: Tensor = _Attention.apply(qkv, batch, heads, positions, dtype)
    return out


@dataclass(frozen=True)
class _Group:
    """One group's q [rows, keys, queries/keys · width, size], k and v [rows, keys, seen, size], and with
    `own_backward`, or where scores are capped, their log-sum-exp, fp32 [rows, keys, queries/keys · width].

    k and v of rows behind a prefix hold a copy of its own for each row. So a layer keeps only what they are
    made of, and makes them again in its backward pass: the copies of one layer exist at a time.
    """

    tokens: AttentionGroup
    seen_prefix: int
    q: Tensor
    k: Tensor
    v: Tensor
    log_sum: Tensor | None


class _Attention(torch.autograd.Function):
    """Forward by the kernel that the model itself uses, so that not a bit differs: bf16 rounding elsewhere
    changes a small model's loss by half a percent. Backward by score matrices, which for short rows on
    a CPU is several times faster than that kernel's own; FlashAttention-2 (Dao 2023, algorithm 2) computes
    the same in tiles.
    """

    @staticmethod
    def forward(
        ctx: Any,
        qkv: Tensor,
        batch: PackedBatch,
        heads: Heads,
        positions: Positions | None,
        dtype: torch.dtype,
    ) -> Tensor:
        out = qkv.new_empty(len(qkv), heads.queries * heads.size, dtype=dtype)
        qkv = qkv.view(len(qkv), heads.all, heads.size)
        rotated = qkv.to(dtype, copy=True)
        if positions is not None:
            positions.rotate(qkv[:, : heads.rotated], rotated[:, : heads.rotated])
        kept: list[Tensor | None] = [rotated]
        for group, seen_prefix in _all_groups(batch):
            q, k, v = _split(rotated, group, seen_prefix, heads)
            result, log_sum = _attended(q, k, v, group, seen_prefix, heads)
            kept.append(log_sum)
            result = result.reshape(group.rows, heads.queries, group.width, heads.size)
            _unpad(result.transpose(1, 2).reshape(-1, heads.queries * heads.size), group, out)
        ctx.save_for_backward(*kept)  # not kept on ctx: recomputing layers must be able to let it go
        ctx.groups, ctx.heads, ctx.positions = _all_groups(batch), heads, positions
        return out

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None, None, None, None]:
        heads: Heads = ctx.heads
        d_qkv = g.new_empty(len(g), heads.all * heads.size)  # each token is in one group, which writes it
        d_prefix: Tensor | None = None  # of its keys and values: [2 · keys, prefix, size], fp32
        rotated, *log_sums = ctx.saved_tensors  # asked for once: a layer that is recomputed gives them once
        # The prefix is the first group, and all others see its keys and values: its turn is the last, when
        # their gradients of these are summed.
        for index, (group, seen) in reversed(list(enumerate(ctx.groups))):
            d_out = _padded(g, group)
            if group.empty is not None:
                # Such a slot holds some other row's token: what it sees must get no gradient from it.
                d_out.index_fill_(0, group.empty, 0)
            d_out = d_out.view(group.rows, group.width, -1, heads.size)
            made = _split(rotated, group, seen, heads)
            d_q, d_k, d_v = _gradients(d_out, _Group(group, seen, *made, log_sums[index]), heads)
            d_kv = torch.stack([d_k, d_v], 1).view(group.rows, 2 * heads.keys, -1, heads.size)
            if seen:
                # Every row saw a copy of the prefix's keys and values, so they get the sum over the rows:
                # over many, whose small parts a sum in bf16 would lose.
                part = d_kv[:, :, :seen].sum(0, dtype=torch.float32)
                d_prefix = part if d_prefix is None else d_prefix.add_(part)
                d_kv = d_kv[:, :, seen:]
            elif d_prefix is not None:
                d_kv = d_kv + d_prefix
            padded = torch.cat([d_q.transpose(1, 2), d_kv.to(g.dtype).transpose(1, 2)], 2)
            _unpad(padded.view(-1, heads.all * heads.size), group, d_qkv)
        if ctx.positions is not None:
            with_position = d_qkv.view(len(g), heads.all, heads.size)[:, : heads.rotated]
            # A rotation's transpose turns by the same angle the other way.
            ctx.positions.rotate(with_position, with_position, back=True)
        return d_qkv, None, None, None, None


def _all_groups(batch: PackedBatch) -> list[tuple[AttentionGroup, int]]:
    """Each with the prefix tokens it sees; the prefix itself is a row that comes first."""
    rows = [(group, batch.prefix_tokens) for group in batch.groups]
    if not batch.prefix_tokens:
        return rows
    return [(AttentionGroup(0, batch.prefix_tokens, 1, batch.prefix_tokens), 0), *rows]


def _padded(x: Tensor, group: AttentionGroup) -> Tensor:
    tokens = x[group.start : group.stop]
    return tokens if group.slots is None else tokens.index_select(0, group.slots)


def _unpad(padded: Tensor, group: AttentionGroup, out: Tensor) -> None:
    tokens = out[group.start : group.stop]
    if group.places is None:
        tokens.copy_(padded)
    else:
        torch.index_select(padded, 0, group.places, out=tokens)


def _split(
    rotated: Tensor, group: AttentionGroup, seen_prefix: int, heads: Heads
) -> tuple[Tensor, Tensor, Tensor]:
    """A group's queries, keys and values out of [tokens, all heads, size], heads before tokens.

    Queries of the same keys are stacked, so that no key is copied for them: [rows, keys, queries/keys ·
    width, size] and twice [rows, keys, seen, size], the prefix coming first.
    """
    by_row = _padded(rotated, group).view(group.rows, group.width, heads.all, heads.size)
    q, k, v = by_row.transpose(1, 2).split([heads.queries, heads.keys, heads.keys], dim=1)
    if seen_prefix:
        shared = rotated[:seen_prefix, heads.queries :].transpose(0, 1).chunk(2)
        k, v = (
            torch.cat([part.expand(group.rows, -1, -1, -1), own], 2)
            for part, own in zip(shared, (k, v), strict=True)
        )
    return q.reshape(len(q), heads.keys, -1, heads.size), k, v


def _attended(
    q: Tensor, k: Tensor, v: Tensor, group: AttentionGroup, seen_prefix: int, heads: Heads
) -> tuple[Tensor, Tensor | None]:
    """The result, as q, and the scores' log-sum-exp if it will be wanted."""
    mask = _hidden(group.width, seen_prefix, q.shape[2] // group.width, q.dtype, q.device, heads.window)
    if heads.cap is not None:
        return _attended_by_capped_scores(q, k, v, mask, heads)
    if not own_backward(q.device):
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=heads.scale), None
    kernel = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
    result: tuple[Tensor, Tensor] = kernel(q, k, v, attn_mask=mask, scale=heads.scale)
    return result


def _attended_by_capped_scores(
    q: Tensor, k: Tensor, v: Tensor, mask: Tensor, heads: Heads
) -> tuple[Tensor, Tensor]:
    """The same by whole score matrices: no kernel of torch's caps scores."""
    assert heads.cap is not None
    scores = torch.matmul(q.float(), k.float().transpose(-2, -1))
    scores.mul_(heads.factor / heads.cap).tanh_().mul_(heads.cap).add_(mask)
    log_sum = scores.logsumexp(-1)
    p = scores.sub_(log_sum.unsqueeze(-1)).exp_().to(q.dtype)
    return p @ v, log_sum


def own_backward(device: torch.device) -> bool:
    """Elsewhere torch's kernels are quick in both directions and keep no score matrix."""
    return device.type == "cpu"


def _hidden(
    width: int, seen_prefix: int, stacked: int, dtype: torch.dtype, device: torch.device, window: int | None
) -> Tensor:
    """[stacked · width, prefix + width]: 0 where a token may look, else -inf. A row's positions go on behind
    the prefix, so a window may begin within it.
    """
    within = window is None or window >= seen_prefix + width  # then it hides nothing: the same mask
    return _mask(width, seen_prefix, stacked, dtype, device, None if within else window)


@lru_cache(maxsize=16)
def _mask(
    width: int, seen_prefix: int, stacked: int, dtype: torch.dtype, device: torch.device, window: int | None
) -> Tensor:
    """The same for all layers of a kind."""
    mask = torch.full((width, seen_prefix + width), float("-inf"), dtype=dtype, device=device)
    mask.triu_(seen_prefix + 1)
    if window is not None:
        before = torch.full_like(mask, float("-inf")).tril_(seen_prefix - window)
        mask.add_(before)
    return mask.repeat(stacked, 1)


def forget_masks() -> None:
    """Masks are kept for the layers of a step; after it they would only take memory."""
    _mask.cache_clear()


def _gradients(d_out: Tensor, group: _Group, heads: Heads) -> tuple[Tensor, Tensor, Tensor]:
    """Of q [rows, queries, width, size], k and v [rows, keys, seen, size], from d_out
    [rows, width, queries, size].
    """
    rows, width = d_out.shape[:2]
    d = d_out.transpose(1, 2).reshape(group.q.shape)
    of = _score_gradients if group.log_sum is not None else _torchs_gradients
    d_q, d_k, d_v = of(d, group, heads)
    shape = (rows, heads.keys, -1, heads.size)
    return d_q.reshape(rows, heads.queries, width, heads.size), d_k.reshape(shape), d_v.reshape(shape)


def _torchs_gradients(d: Tensor, group: _Group, heads: Heads) -> tuple[Tensor, ...]:
    with torch.enable_grad():
        q, k, v = (x.detach().requires_grad_() for x in (group.q, group.k, group.v))
        result, _ = _attended(q, k, v, group.tokens, group.seen_prefix, heads)
    return torch.autograd.grad(result, (q, k, v), d)


def _score_gradients(d: Tensor, group: _Group, heads: Heads) -> tuple[Tensor, ...]:
    """By score matrices, which are made again from their log-sum-exp."""
    width = group.tokens.width
    q, k, v, d = (x.reshape(-1, x.shape[2], d.shape[-1]) for x in (group.q, group.k, group.v, d))
    stacked = q.shape[1] // width
    hidden = _hidden(width, group.seen_prefix, stacked, q.dtype, q.device, heads.window)[:width]
    assert group.log_sum is not None
    return score_gradients(d, q, k, v, group.log_sum, hidden, factor=heads.factor, cap=heads.cap)
