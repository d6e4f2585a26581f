"""The blockwise backward pass of attention has the gradients that autograd finds in the definition."""

import pytest
import torch
from torch import Tensor

from services.worker.computing.engine import score_gradients as module
from services.worker.computing.engine.score_gradients import BLOCK, score_gradients

FACTOR, STACKED, SIZE = 0.3, 3, 8


def hidden_from(width: int, prefix: int, window: int | None) -> Tensor:
    """-inf for what comes later, and for what is `window` tokens away or more."""
    at, key = torch.arange(prefix, prefix + width)[:, None], torch.arange(prefix + width)[None, :]
    may = (key <= at) & (key > at - (window or width + prefix))
    return torch.zeros(width, prefix + width).masked_fill(~may, float("-inf"))


def scores_of(q: Tensor, k: Tensor, hidden: Tensor, cap: float | None) -> Tensor:
    scores = FACTOR * (q @ k.transpose(1, 2))
    if cap is not None:
        scores = cap * torch.tanh(scores / cap)
    return scores + hidden.repeat(STACKED, 1)


@pytest.mark.parametrize("cap", [None, 2.0], ids=["no cap", "a cap"])
@pytest.mark.parametrize("window", [None, 40], ids=["all before", "a window"])
@pytest.mark.parametrize(("width", "prefix"), [(1, 5), (BLOCK, 0), (BLOCK + 1, 7), (3 * BLOCK - 9, 33)])
def test_gradients_are_those_of_the_definition(
    width: int, prefix: int, window: int | None, cap: float | None
) -> None:
    draw = torch.Generator().manual_seed(width)
    hidden = hidden_from(width, prefix, window)
    q = torch.randn(2, STACKED * width, SIZE, generator=draw, requires_grad=True)
    k, v = (torch.randn(2, prefix + width, SIZE, generator=draw, requires_grad=True) for _ in range(2))
    d = torch.randn(q.shape, generator=draw)
    scores = scores_of(q, k, hidden, cap)
    expected = torch.autograd.grad(scores.softmax(-1) @ v, (q, k, v), d)
    with torch.no_grad():
        found = score_gradients(d, q, k, v, scores.logsumexp(-1), hidden, factor=FACTOR, cap=cap)
    for gradient, other in zip(found, expected, strict=True):
        torch.testing.assert_close(gradient, other, rtol=1e-4, atol=1e-5 * float(other.abs().max()))


def test_no_block_multiplies_by_keys_that_come_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    width, prefix, seen = 4 * BLOCK, 33, list[tuple[int, int]]()
    plain = module._of_block

    def noted(d: Tensor, q: Tensor, k: Tensor, *rest: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        seen.append((q.shape[1], k.shape[1]))
        return plain(d, q, k, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "_of_block", noted)
    q, k = torch.randn(1, STACKED * width, SIZE), torch.randn(1, prefix + width, SIZE)
    hidden = hidden_from(width, prefix, None)
    log_sum = scores_of(q, k, hidden, None).logsumexp(-1)
    score_gradients(q, q, k, k, log_sum, hidden, factor=FACTOR)
    assert seen == [(STACKED * BLOCK, prefix + number * BLOCK) for number in (1, 2, 3, 4)]
