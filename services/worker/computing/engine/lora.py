"""Frozen linear layers with LoRA on some of them (Hu et al. 2021), as one function of their common input."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from services.worker.computing.engine.dropout import Dropout
from services.worker.computing.engine.elementwise import widened
from services.worker.computing.engine.weights import FrozenWeights


@dataclass(frozen=True)
class Adapter:
    """One layer's fp32 matrices A [rank, in] and B [out, rank]; its output starts at the group's `offset`."""

    a: nn.Parameter
    b: nn.Parameter
    scale: float
    offset: int
    dropout: Dropout | None = None


class AdaptedLinears:
    """y = x·Wᵀ + bias + scale · (x·Aᵀ)·Bᵀ for all layers of a group, their outputs side by side.

    x has the dtype that the base computes in, and both products are computed in it; A, B and their gradients
    are fp32. With `wide` their sum is fp32 where there are adapters: a young adapter's share is smaller than
    the last bit of the base's in bf16, and would be rounded away entirely rather than half of the time.
    """

    def __init__(self, weights: FrozenWeights, adapters: Sequence[Adapter], *, wide: bool = False) -> None:
        self.weights, self.adapters, self.wide = weights, adapters, wide
        self._parameters = [matrix for adapter in adapters for matrix in (adapter.a, adapter.b)]

    @property
    def drops(self) -> bool:
        return any(adapter.dropout is not None for adapter in self.adapters)

    def __call__(self, x: Tensor, keys: Tensor | None = None) -> Tensor:
        """[tokens, in] -> [tokens, all outputs]. With the tokens' `keys` int32 [tokens] the adapters drop
        what they are to drop of x.
        """
        y: Tensor = (
            _AdaptedLinears.apply(x, self, *self._parameters)
            if keys is None or not self.adapters
            else _DroppingLinears.apply(x, keys, self, *self._parameters)
        )
        return y

    def dropped(self, x: Tensor, keys: Tensor) -> Iterator[tuple[Adapter, slice, Tensor]]:
        """Each adapter, its columns among those of `stacked_b()`, and its own input, not scaled."""
        for adapter, _, columns in self._blocks():
            yield adapter, columns, x if adapter.dropout is None else adapter.dropout.drop(x, keys)

    def stacked_a(self, dtype: torch.dtype) -> Tensor:
        """All A, one upon the other: [ranks, in]."""
        return torch.cat([adapter.a.detach() for adapter in self.adapters]).to(dtype)

    def stacked_b(self, dtype: torch.dtype) -> Tensor:
        """All scale · B, each in the rows of its layer and the columns of its A: [all outputs, ranks]."""
        ranks = sum(adapter.a.shape[0] for adapter in self.adapters)
        like = self.adapters[0].b
        b = torch.zeros(sum(self.weights.out_features), ranks, dtype=dtype, device=like.device)
        for adapter, rows, columns in self._blocks():
            b[rows, columns] = adapter.b.detach() * adapter.scale
        return b

    def gradients(self, d_a: Tensor, d_b: Tensor) -> list[Tensor]:
        """The parameters' gradients, out of those of `stacked_a()` and `stacked_b()`.

        What lies beside the blocks of B stays 0, so its gradient is dropped. B was stacked times its scale,
        so its own gradient is times the scale, too; A's came through the stacked B and has it already.
        """
        gradients = []
        for adapter, rows, columns in self._blocks():
            gradients += [d_a[columns].float(), d_b[rows, columns].float() * adapter.scale]
        return gradients

    def _blocks(self) -> list[tuple[Adapter, slice, slice]]:
        blocks, column = [], 0
        for adapter in self.adapters:
            out, rank = adapter.b.shape
            rows, columns = slice(adapter.offset, adapter.offset + out), slice(column, column + rank)
            blocks.append((adapter, rows, columns))
            column += rank
        return blocks


class _AdaptedLinears(torch.autograd.Function):
    """Without dropout, or where nothing is to be dropped."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, group: AdaptedLinears, *parameters: Tensor) -> Tensor:
        ctx.group = group
        y = _times(x, group.weights.matrices(), group.weights.biases)
        if group.adapters:
            a, b = group.stacked_a(x.dtype), group.stacked_b(x.dtype)
            inner = x @ a.t()
            share = inner @ b.t()  # rounded before it is added, as PEFT does
            y = widened(y, share) if group.wide else y.add_(share)
            ctx.save_for_backward(x, a, b, inner)
        return y

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        group: AdaptedLinears = ctx.group
        g = g.to(group.weights.dtype)
        dx = _times_transposed(g, group.weights.matrices()) if ctx.needs_input_grad[0] else None
        if not group.adapters:
            return dx, None
        x, a, b, inner = ctx.saved_tensors
        d_inner = g @ b  # y = x·Wᵀ + inner·Bᵀ, inner = x·Aᵀ: dA = d_innerᵀ·x, dB = gᵀ·inner
        if dx is not None:
            dx.addmm_(d_inner, a)
        gradients = group.gradients(d_inner.t() @ x, g.t() @ inner)
        return dx, None, *gradients


class _DroppingLinears(torch.autograd.Function):
    """The same where every adapter has an input of its own: what dropout leaves of x. Its masks are made
    again in the backward pass, so only x is kept.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, keys: Tensor, group: AdaptedLinears, *parameters: Tensor) -> Tensor:
        ctx.group = group
        y = _times(x, group.weights.matrices(), group.weights.biases)
        b = group.stacked_b(x.dtype)
        inner = torch.cat(
            [given @ _scaled_a(adapter, x.dtype).t() for adapter, _, given in group.dropped(x, keys)], dim=-1
        )
        share = inner @ b.t()
        ctx.save_for_backward(x, keys, b, inner)
        return widened(y, share) if group.wide else y.add_(share)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        group: AdaptedLinears = ctx.group
        x, keys, b, inner = ctx.saved_tensors
        g = g.to(group.weights.dtype)
        dx = _times_transposed(g, group.weights.matrices()) if ctx.needs_input_grad[0] else None
        d_inner, d_a = g @ b, list[Tensor]()
        for adapter, columns, given in group.dropped(x, keys):
            own = d_inner[:, columns]
            d_a.append((own.t() @ given).mul_(_scale(adapter)))
            if dx is not None:
                d_given = own @ _scaled_a(adapter, x.dtype)
                dx.add_(d_given if adapter.dropout is None else adapter.dropout.drop(d_given, keys))
        gradients = group.gradients(torch.cat(d_a), g.t() @ inner)
        return dx, None, None, *gradients


def _scale(adapter: Adapter) -> float:
    return 1.0 if adapter.dropout is None else adapter.dropout.scale


def _scaled_a(adapter: Adapter, dtype: torch.dtype) -> Tensor:
    """What dropout leaves of x is to be scaled: A is, which is smaller."""
    return (adapter.a.detach() * _scale(adapter)).to(dtype)


def _times(x: Tensor, matrices: list[Tensor], biases: Sequence[Tensor | None]) -> Tensor:
    parts = [F.linear(x, matrix, bias) for matrix, bias in zip(matrices, biases, strict=True)]
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)


def _times_transposed(g: Tensor, matrices: list[Tensor]) -> Tensor:
    if len(matrices) == 1:
        return g @ matrices[0]
    parts = g.split([len(matrix) for matrix in matrices], dim=-1)
    dx = parts[0] @ matrices[0]
    for part, matrix in zip(parts[1:], matrices[1:], strict=True):
        dx.addmm_(part, matrix)
    return dx
