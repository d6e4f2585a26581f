"""Norms on queries and keys, which some families have before their positions."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from services.worker.computing.engine.elementwise import norm_gradient
from services.worker.computing.engine.fused import fused
from services.worker.computing.engine.rotary import Heads


@dataclass(frozen=True)
class HeadNorms:
    """RMS norms of queries and keys. A weight is [size], for each head by itself, or [heads · size], for all
    of them together. `dtype` is that of the model's weights.
    """

    queries: Tensor
    keys: Tensor
    epsilon: float
    dtype: torch.dtype


def norm_heads(qkv: Tensor, heads: Heads, norms: HeadNorms) -> Tensor:
    """[tokens, (queries + 2 · keys) · size], of which queries and keys are normed; in the same dtype.

    Computed in fp32. For the backward pass queries and keys are kept in the dtype of the model's weights.
    """
    out: Tensor = _HeadNorm.apply(qkv, heads, norms)
    return out


class _HeadNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, qkv: Tensor, heads: Heads, norms: HeadNorms) -> Tensor:
        out, *kept = _norm_heads(
            qkv, norms.queries, norms.keys, norms.epsilon, norms.dtype, heads.queries * heads.size,
            heads.rotated * heads.size,
        )  # fmt: skip
        ctx.save_for_backward(*kept, norms.queries, norms.keys)
        ctx.borders = heads.queries * heads.size, heads.rotated * heads.size
        return out

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None, None]:
        return _norm_heads_gradient(g, *ctx.saved_tensors, *ctx.borders), None, None


@fused
def _norm_heads(
    qkv: Tensor,
    q_weight: Tensor,
    k_weight: Tensor,
    epsilon: float,
    dtype: torch.dtype,
    keys_from: int,
    values_from: int,
) -> tuple[Tensor, ...]:
    """The result; queries and keys as they are kept; and what each was multiplied by, [tokens, norms, 1]."""
    out = torch.empty_like(qkv)
    out[:, values_from:] = qkv[:, values_from:]
    inverses = []
    for start, stop, weight in ((0, keys_from, q_weight), (keys_from, values_from, k_weight)):
        x = qkv[:, start:stop].unflatten(1, (-1, len(weight))).float()
        inverse = torch.rsqrt(x.square().mean(dim=-1, keepdim=True).add_(epsilon))
        out[:, start:stop].unflatten(1, (-1, len(weight))).copy_((x * inverse).mul_(weight))
        inverses.append(inverse)
    return out, qkv[:, :values_from].to(dtype, copy=True), *inverses


@fused
def _norm_heads_gradient(
    g: Tensor,
    kept: Tensor,
    q_inverse: Tensor,
    k_inverse: Tensor,
    q_weight: Tensor,
    k_weight: Tensor,
    keys_from: int,
    values_from: int,
) -> Tensor:
    d = torch.empty_like(g)
    d[:, values_from:] = g[:, values_from:]
    for start, stop, weight, inverse in (
        (0, keys_from, q_weight, q_inverse),
        (keys_from, values_from, k_weight, k_inverse),
    ):
        shape = (-1, len(weight))
        part = norm_gradient(
            g[:, start:stop].unflatten(1, shape).float(),
            kept[:, start:stop].unflatten(1, shape),
            inverse,
            weight,
        )
        d[:, start:stop].unflatten(1, shape).copy_(part)
    return d
