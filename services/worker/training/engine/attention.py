"""Causal attention with rotary positions (Su et al. 2021) over the groups of a packed micro-batch."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from services.worker.training.engine.layout import AttentionGroup, PackedBatch


@dataclass(frozen=True)
class Heads:
    """`queries` heads share `keys` heads of keys and values, each of size `size`."""

    queries: int
    keys: int
    size: int

    @property
    def all(self) -> int:
        return self.queries + 2 * self.keys

    @property
    def turned(self) -> int:
        """Those with a position, which stand first: queries, then keys."""
        return self.queries + self.keys


@dataclass(frozen=True)
class Positions:
    """cos and sin [positions, 1, size / 2] of the angles from position 0 on."""

    cos: Tensor
    sin: Tensor

    def turn(self, heads: Tensor, first: int, *, back: bool = False) -> None:
        """Rotate [..., width, heads, size] in place, standing at positions `first` on."""
        width = heads.shape[-3]
        cos, sin = self.cos[first : first + width], self.sin[first : first + width]
        a, b = heads.chunk(2, dim=-1)
        old_a = a.clone()
        sign = -1 if back else 1
        a.mul_(cos).addcmul_(b, sin, value=-sign)
        b.mul_(cos).addcmul_(old_a, sin, value=sign)


def attend(qkv: Tensor, batch: PackedBatch, heads: Heads, positions: Positions) -> Tensor:
    """Queries, keys, values [tokens, (queries + 2 · keys) · size] -> [tokens, queries · size].

    A token sees the prefix and the tokens of its own row up to itself.
    """
    out: Tensor = _Attention.apply(qkv, batch, heads, positions)
    return out


@dataclass
class _Memory:
    """What the backward pass of one group needs: q [rows · keys, queries/keys · width, size], k and v
    [rows · keys, seen, size], p [rows · keys, queries/keys · width, seen].
    """

    group: AttentionGroup
    seen_prefix: int
    q: Tensor
    k: Tensor
    v: Tensor
    p: Tensor


class _Attention(torch.autograd.Function):
    """Whole score matrices, by matrix products over groups of rows: for short rows on a CPU several times
    faster than torch's blockwise kernel, above all backward.
    """

    @staticmethod
    def forward(ctx: Any, qkv: Tensor, batch: PackedBatch, heads: Heads, positions: Positions) -> Tensor:
        out = qkv.new_empty(len(qkv), heads.queries * heads.size)
        prefix = None
        memories = []
        for group, seen_prefix in _all_groups(batch):
            padded = _padded(qkv, group).view(group.rows, group.width, heads.all, heads.size)
            padded = padded.clone() if group.slots is None else padded
            positions.turn(padded[:, :, : heads.turned], seen_prefix)
            q, k, v = _split(padded, heads)
            if seen_prefix:
                assert prefix is not None
                k, v = (torch.cat([p.expand(group.rows, -1, -1, -1), x], 2) for p, x in zip(prefix, (k, v)))
            elif batch.prefix_tokens:
                prefix = k, v
            memory = _scores(group, seen_prefix, q, k, v, heads)
            memories.append(memory)
            result = torch.bmm(memory.p, memory.v).view(group.rows, heads.queries, group.width, heads.size)
            _unpad(result.transpose(1, 2).reshape(-1, heads.queries * heads.size), group, out)
        ctx.memories, ctx.heads, ctx.positions = memories, heads, positions
        ctx.prefix_tokens = batch.prefix_tokens
        return out

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None, None, None]:
        heads: Heads = ctx.heads
        d_qkv = g.new_empty(len(g), heads.all * heads.size)
        d_prefix: Tensor | None = None  # of its keys and values: [2 · keys, prefix, size], fp32
        for memory in reversed(ctx.memories):
            group, seen = memory.group, memory.seen_prefix
            d_out = _padded(g, group)
            if group.empty is not None:
                d_out.index_fill_(0, group.empty, 0)
            d_q, d_k, d_v = _score_gradients(d_out.view(group.rows, group.width, -1, heads.size), memory, heads)
            d_kv = torch.stack([d_k, d_v], 1).view(group.rows, 2 * heads.keys, -1, heads.size)
            if seen:
                part = d_kv[:, :, :seen].sum(0, dtype=torch.float32)
                d_prefix = part if d_prefix is None else d_prefix.add_(part)
                d_kv = d_kv[:, :, seen:]
            elif d_prefix is not None:
                d_kv = d_kv + d_prefix
            padded = torch.cat([d_q.transpose(1, 2), d_kv.to(g.dtype).transpose(1, 2)], 2)
            ctx.positions.turn(padded[:, :, : heads.turned], seen, back=True)
            _unpad(padded.view(-1, heads.all * heads.size), group, d_qkv)
        del ctx.memories
        return d_qkv, None, None, None


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


def _split(padded: Tensor, heads: Heads) -> tuple[Tensor, Tensor, Tensor]:
    """Heads before tokens: [rows, heads, width, size] each."""
    q, k, v = padded.transpose(1, 2).split([heads.queries, heads.keys, heads.keys], dim=1)
    return q, k, v


def _scores(
    group: AttentionGroup, seen_prefix: int, q: Tensor, k: Tensor, v: Tensor, heads: Heads
) -> _Memory:
    """Queries of the same keys are stacked, so that no key is copied for them."""
    rows, stacked = group.rows * heads.keys, heads.queries // heads.keys
    q = q.reshape(rows, stacked * group.width, heads.size)
    k = k.reshape(rows, -1, heads.size)
    v = v.reshape(rows, -1, heads.size)
    scores = torch.bmm(q, k.transpose(1, 2)).mul_(heads.size**-0.5)
    future = _future(group.width, seen_prefix, q).repeat(stacked, 1)
    return _Memory(group, seen_prefix, q, k, v, torch.softmax(scores.add_(future), dim=-1))


def _future(width: int, seen_prefix: int, like: Tensor) -> Tensor:
    """[width, prefix + width]: 0 where a token may look, else -inf."""
    mask = like.new_full((width, seen_prefix + width), float("-inf"))
    return mask.triu_(seen_prefix + 1)


def _score_gradients(d_out: Tensor, memory: _Memory, heads: Heads) -> tuple[Tensor, Tensor, Tensor]:
    rows, width = d_out.shape[:2]
    d = d_out.transpose(1, 2).reshape(memory.q.shape)
    d_v = torch.bmm(memory.p.transpose(1, 2), d)
    d_p = torch.bmm(d, memory.v.transpose(1, 2))
    d_s = torch._softmax_backward_data(d_p, memory.p, -1, memory.p.dtype).mul_(heads.size**-0.5)
    d_q = torch.bmm(d_s, memory.k).view(rows, heads.queries, width, heads.size)
    d_k = torch.bmm(d_s.transpose(1, 2), memory.q)
    shape = (rows, heads.keys, -1, heads.size)
    return d_q, d_k.view(shape), d_v.view(shape)
