"""Attention of a whole packed micro-batch in one kernel, on cards that have FlashAttention (Dao 2023)."""

from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
import torch
from torch import Tensor

from services.worker.computing.engine.rotary import Heads, Positions, rotated, rotated_back

FLASH_SINCE = (8, 0)
LARGEST_HEAD, HEAD_STEP = 256, 8  # sizes the kernel is built for


def has_kernel(device: torch.device, dtype: torch.dtype, head_size: int) -> bool:
    """Whether `varlen_attention` runs there; elsewhere `attention.attend` goes group by group."""
    return (
        device.type == "cuda"
        and dtype in (torch.bfloat16, torch.float16)
        and torch.cuda.get_device_capability(device) >= FLASH_SINCE
        and head_size <= LARGEST_HEAD
        and head_size % HEAD_STEP == 0
        and torch.backends.cuda.is_flash_attention_available()
    )


@dataclass(frozen=True)
class RowBorders:
    """Where the rows of a micro-batch begin among its tokens, and among their keys: int32 [rows + 1]. They,
    and the most tokens and keys of a row, have the names that FlashAttention gives them.

    A shared prefix is a row of its own and comes first. Every other row's keys begin with a copy of the
    prefix's: `keys` int64 says of which token each key is, `own_keys` int64 [tokens] which key is a token's
    own, `copies` int64 [rows · prefix] which are copies. None without a prefix: tokens and keys are the same.
    """

    cu_seqlens_q: Tensor
    cu_seqlens_k: Tensor
    max_seqlen_q: int
    max_seqlen_k: int
    prefix_tokens: int
    keys: Tensor | None = None
    own_keys: Tensor | None = None
    copies: Tensor | None = None

    @classmethod
    def of(cls, row_tokens: tuple[int, ...], prefix_tokens: int, device: torch.device) -> "RowBorders":
        """`row_tokens`: each row's own, in their order."""
        if not prefix_tokens:
            cu_seqlens = _cu_seqlens(row_tokens, device)
            return cls(cu_seqlens, cu_seqlens, max(row_tokens), max(row_tokens), 0)
        lengths = (prefix_tokens, *row_tokens)
        with_prefix = (prefix_tokens, *(prefix_tokens + own for own in row_tokens))
        prefix = np.arange(prefix_tokens)
        begins = np.cumsum((0, *lengths))
        keys = [prefix]
        for start, own in zip(begins[1:], row_tokens, strict=False):
            keys += [prefix, np.arange(start, start + own)]
        copied = np.zeros(sum(with_prefix), dtype=bool)
        key_begins = np.cumsum((0, *with_prefix))[1:-1]
        copied[(key_begins[:, None] + prefix).reshape(-1)] = True
        return cls(
            _cu_seqlens(lengths, device),
            _cu_seqlens(with_prefix, device),
            max(lengths),
            max(with_prefix),
            prefix_tokens,
            *(
                torch.from_numpy(part).to(device)
                for part in (np.concatenate(keys), np.flatnonzero(~copied), np.flatnonzero(copied))
            ),
        )

    def of_keys(self, per_token: Tensor) -> Tensor:
        """[tokens, …] -> [keys, …]"""
        return per_token if self.keys is None else per_token.index_select(0, self.keys)

    def of_tokens(self, per_key: Tensor) -> Tensor:
        """The sum of what a token's own key and its copies have: [keys, …] -> [tokens, …].

        Not by adding up at indices, whose order, and so its result, would differ from run to run.
        """
        if self.own_keys is None or self.copies is None:
            return per_key
        own = per_key.index_select(0, self.own_keys)
        if self.copies.numel():
            copies = per_key.index_select(0, self.copies)
            shared = copies.view(-1, self.prefix_tokens, *copies.shape[1:]).sum(0, dtype=torch.float32)
            own[: self.prefix_tokens] += shared.to(own.dtype)
        return own


def _cu_seqlens(lengths: tuple[int, ...], device: torch.device) -> Tensor:
    return torch.tensor([0, *accumulate(lengths)], dtype=torch.int32, device=device)


def varlen_attention(
    qkv: Tensor, rows: RowBorders, heads: Heads, positions: Positions | None, dtype: torch.dtype
) -> Tensor:
    """As `attention.attend`: [tokens, (queries + 2 · keys) · size] -> [tokens, queries · size]."""
    out: Tensor = _VarlenAttention.apply(qkv, rows, heads, positions, dtype)
    return out


class _VarlenAttention(torch.autograd.Function):
    """Keys and values of a prefix are copied for each row; only what they are made of is kept."""

    @staticmethod
    def forward(
        ctx: Any, qkv: Tensor, rows: RowBorders, heads: Heads, positions: Positions | None, dtype: torch.dtype
    ) -> Tensor:
        by_head = rotated(qkv.view(len(qkv), heads.all, heads.size), heads.rotated, positions, dtype)
        out, log_sum, random, unused, _ = torch.ops.aten._flash_attention_forward(
            *_split(by_head, rows, heads), *_borders(rows), 0.0, True, False, **_scores(rows, heads)
        )
        ctx.save_for_backward(by_head, out, log_sum, random, unused)
        ctx.rows, ctx.heads, ctx.positions, ctx.dtype = rows, heads, positions, qkv.dtype
        return out.view(len(qkv), -1)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        rows, heads = ctx.rows, ctx.heads
        by_head, out, log_sum, random, unused = ctx.saved_tensors
        d_q, d_k, d_v = torch.ops.aten._flash_attention_backward(
            g.contiguous().view_as(out), *_split(by_head, rows, heads), out, log_sum, *_borders(rows), 0.0,
            True, random, unused, **_scores(rows, heads),
        )  # fmt: skip
        # A prefix's key and value were copied for every row: what they get is the sum over the copies.
        d = torch.cat([d_q, rows.of_tokens(torch.cat([d_k, d_v], dim=1))], dim=1)
        d_qkv = rotated_back(d, heads.rotated, ctx.positions, ctx.dtype)
        return d_qkv.view(len(g), -1), None, None, None, None


def _split(by_head: Tensor, rows: RowBorders, heads: Heads) -> tuple[Tensor, Tensor, Tensor]:
    """Queries [tokens, queries, size], keys and values [keys, keys' heads, size]."""
    k, v = rows.of_keys(by_head[:, heads.queries :]).chunk(2, dim=1)
    return by_head[:, : heads.queries], k, v


def _borders(rows: RowBorders) -> tuple[Tensor, Tensor, int, int]:
    return rows.cu_seqlens_q, rows.cu_seqlens_k, rows.max_seqlen_q, rows.max_seqlen_k


def _scores(rows: RowBorders, heads: Heads) -> dict[str, Any]:
    """How they are made, where not as usual; a window as long as the longest row hides nothing."""
    told: dict[str, Any] = {}
    if heads.scale is not None:
        told["scale"] = heads.scale
    if heads.window is not None and heads.window < rows.max_seqlen_k:
        told["window_size_left"] = heads.window - 1  # keys before a token's own
    return told
