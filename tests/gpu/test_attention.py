"""On a card: attention in one kernel is that of the groups, which the CPU's tests hold to the model's.

A bare machine runs these, too.
"""

from dataclasses import replace

import numpy as np
import pytest
import torch

from services.worker.computing.engine import attention, elementwise, fused, varlen
from services.worker.computing.engine.dropout import Dropout, token_keys
from services.worker.computing.engine.head_norm import HeadNorms, norm_heads
from services.worker.computing.engine.layout import PackedBatch, pack
from services.worker.computing.engine.rotary import Heads, Positions
from services.worker.text.marked_text import TokenRow

pytestmark = [
    pytest.mark.skipif(
        not torch.cuda.is_available(),
        reason="no CUDA card here; where there is one: python -m bench.gpu --tests",
    ),
    pytest.mark.timeout(300),
]

CUDA = torch.device("cuda")
HEADS = Heads(8, 2, 80)  # EXAONE's size
PREFIX = 7
BF16_NOISE = 0.01  # what rounding operands to 8 bits does; a row seen by another, or out of place: above 0.1


def batch(prefix_tokens: int, *, padded: bool) -> PackedBatch:
    random = np.random.default_rng(0)
    lengths = (5, 90, 90, 33, 1, 200)
    ids = [np.concatenate([np.arange(PREFIX), random.integers(0, 99, length)]) for length in lengths]
    rows = [TokenRow(row.astype(np.int32), np.arange(len(row)) > 0) for row in ids]
    return pack(rows, CUDA, prefix_tokens=prefix_tokens, padded=padded)


def apart(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one.float() - other.float()).norm() / other.float().norm())


@pytest.mark.parametrize("prefix_tokens", [0, PREFIX])
@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize(
    ("heads", "turned"),
    [(HEADS, 80), (replace(HEADS, window=3), 80), (replace(HEADS, window=40, scale=0.05), 40), (HEADS, 0)],
    ids=["all keys", "a window that begins in the prefix", "window, scale, half a head turned", "unplaced"],
)
def test_one_kernel_attends_as_the_groups_do_in_fp32(
    prefix_tokens: int, padded: bool, heads: Heads, turned: int
) -> None:
    if not varlen.has_kernel(CUDA, torch.bfloat16, HEADS.size):
        pytest.skip("this card has no such kernel")
    packed = batch(prefix_tokens, padded=padded)
    torch.manual_seed(0)
    tokens = packed.computed_tokens
    angles = torch.randn(tokens, 1, turned // 2, device=CUDA)
    positions = Positions(angles.cos(), angles.sin()) if turned else None
    qkv = torch.randn(tokens, HEADS.all * HEADS.size, device=CUDA)
    towards = torch.randn(tokens, HEADS.queries * HEADS.size, device=CUDA)

    def run(dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
        x = qkv.clone().requires_grad_()
        out = attention.attend(x, packed, heads, positions, dtype)
        return out, torch.autograd.grad(out, x, towards.to(dtype))[0]

    for got, expected in zip(run(torch.bfloat16), run(torch.float32), strict=True):
        assert apart(got, expected) < BF16_NOISE


def test_what_is_compiled_for_the_card_is_what_is_written(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(fused, "_pays", lambda arguments: any(part.is_cuda for part in arguments[:1]))
    torch.manual_seed(0)
    x, update = torch.randn(77, 256), torch.randn(77, 256).bfloat16()
    weight, inner = torch.randn(256).bfloat16(), torch.randn(77, 512).bfloat16()

    def run(device: str) -> list[torch.Tensor]:
        at = [tensor.to(device).requires_grad_() for tensor in (x, update, inner)]
        total, normed = elementwise.add_norm(at[0], at[1], weight.to(device), 1e-6)
        again = elementwise.add_norm(total, None, weight.to(device), 1e-6)[1]
        product = elementwise.gated(at[2], torch.bfloat16)
        loss = sum(part.float().square().sum() for part in (normed, again, product))
        assert isinstance(loss, torch.Tensor)
        wide = elementwise.widened(update.to(device), update.to(device))
        return [total, normed, again, product, wide, *torch.autograd.grad(loss, at)]

    def run_of_families(device: str) -> list[torch.Tensor]:
        at = [tensor.to(device).requires_grad_() for tensor in (x, update, inner)]
        norms = HeadNorms(weight[:32].to(device), weight[32:64].to(device), 1e-6, torch.bfloat16)
        heads = norm_heads(at[0], Heads(4, 2, 32), norms)
        after = elementwise.norm(at[1], weight.to(device), 1e-6, torch.bfloat16)
        product = elementwise.gated(at[2], torch.bfloat16, "gelu_tanh")
        loss = sum(part.float().square().sum() for part in (heads, after, product))
        assert isinstance(loss, torch.Tensor)
        return [heads, after, product, *torch.autograd.grad(loss, at)]

    for runs in (run, run_of_families):
        for on_card, written in zip(runs("cuda"), runs("cpu"), strict=True):
            assert apart(on_card.cpu(), written) < BF16_NOISE
    keys, ones = torch.from_numpy(token_keys(3, 4, 77)), torch.ones(77, 256)
    dropout = Dropout(0.3, 5)
    assert torch.equal(dropout.drop(ones.cuda(), keys.cuda()).cpu(), dropout.drop(ones, keys))
    assert "is not compiled" not in caplog.text
