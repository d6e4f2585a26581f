"""The borders that the card's kernel is told, on the CPU; the kernel itself is looked at in tests/gpu."""

import numpy as np
import pytest
import torch
from torch import Tensor

from services.worker.computing.engine.attention import attend
from services.worker.computing.engine.layout import PackedBatch, pack
from services.worker.computing.engine.rotary import Heads, Positions
from services.worker.computing.engine.varlen import RowBorders, has_kernel
from services.worker.text.marked_text import TokenRow

CPU = torch.device("cpu")
HEADS = Heads(4, 2, 8)
PREFIX = 5
BATCHES = pytest.mark.parametrize(
    ("prefix_tokens", "padded"), [(0, False), (0, True), (PREFIX, False), (PREFIX, True)]
)


def batch(prefix_tokens: int, *, padded: bool) -> PackedBatch:
    random = np.random.default_rng(0)
    ids = [np.concatenate([np.arange(PREFIX), random.integers(0, 99, own)]) for own in (3, 9, 9, 1, 0, 20)]
    rows = [TokenRow(row.astype(np.int32), np.arange(len(row)) > 0) for row in ids]
    return pack(rows, CPU, prefix_tokens=prefix_tokens, padded=padded)


def attend_row_by_row(qkv: Tensor, rows: RowBorders) -> Tensor:
    """What the kernel promises: the last query of a row sees all its keys, each one before it one less."""
    by_head = qkv.view(len(qkv), HEADS.all, HEADS.size)
    k, v = rows.of_keys(by_head[:, HEADS.queries :]).chunk(2, dim=1)
    out = []
    for row in range(len(rows.cu_seqlens_q) - 1):
        queries = slice(*rows.cu_seqlens_q[row : row + 2].tolist())
        keys = slice(*rows.cu_seqlens_k[row : row + 2].tolist())
        width, seen = queries.stop - queries.start, keys.stop - keys.start
        assert width <= rows.max_seqlen_q
        assert seen <= rows.max_seqlen_k
        scores = torch.einsum(
            "qhs,khs->hqk", by_head[queries, : HEADS.queries], k[keys].repeat_interleave(2, dim=1)
        )
        hidden = torch.ones(width, seen, dtype=torch.bool).triu(seen - width + 1)
        weights = (scores * HEADS.size**-0.5).masked_fill(hidden, float("-inf")).softmax(-1)
        out.append(torch.einsum("hqk,khs->qhs", weights, v[keys].repeat_interleave(2, dim=1)))
    return torch.cat(out).reshape(len(qkv), -1)


@BATCHES
def test_rows_by_their_borders_attend_as_the_groups_do(prefix_tokens: int, padded: bool) -> None:
    packed = batch(prefix_tokens, padded=padded)
    torch.manual_seed(0)
    qkv = torch.randn(packed.computed_tokens, HEADS.all * HEADS.size)
    still = torch.zeros(packed.computed_tokens, 1, HEADS.size // 2)
    by_groups = attend(qkv, packed, HEADS, Positions(still + 1, still), torch.float32)
    by_rows = attend_row_by_row(qkv, packed.borders)
    assert torch.allclose(by_rows, by_groups, atol=1e-5)


@BATCHES
def test_gradients_of_keys_come_back_to_the_tokens_they_are_copies_of(
    prefix_tokens: int, padded: bool
) -> None:
    """One is the other's transpose."""
    rows = batch(prefix_tokens, padded=padded).borders
    tokens, keys = int(rows.cu_seqlens_q[-1]), int(rows.cu_seqlens_k[-1])
    torch.manual_seed(0)
    per_token, per_key = torch.randn(tokens, 3), torch.randn(keys, 3)
    there = (rows.of_keys(per_token) * per_key).sum()
    back = (per_token * rows.of_tokens(per_key)).sum()
    assert torch.allclose(there, back, rtol=1e-4)


def test_a_batch_of_the_prefix_alone_has_one_row() -> None:
    rows = RowBorders.of((), PREFIX, CPU)
    assert rows.cu_seqlens_q.tolist() == rows.cu_seqlens_k.tolist() == [0, PREFIX]
    assert torch.equal(rows.of_tokens(torch.ones(PREFIX, 2)), torch.ones(PREFIX, 2))


def test_a_processor_has_no_such_kernel() -> None:
    assert not has_kernel(CPU, torch.bfloat16, 64)
