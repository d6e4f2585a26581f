"""What happens to each token alone between the linear layers, with backward passes that touch memory seldom."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F


def add_norm(x: Tensor, update: Tensor | None, weight: Tensor, epsilon: float) -> tuple[Tensor, Tensor]:
    """The residual stream after `update`, and its RMS norm (Zhang & Sennrich 2019): both [tokens, hidden].

    Squares are summed in fp32, as transformers' LlamaRMSNorm does; `weight` is frozen.
    """
    total: Tensor
    normed: Tensor
    total, normed = _AddNorm.apply(x, update, weight, epsilon)
    return total, normed


def swiglu(gate_and_up: Tensor) -> Tensor:
    """[tokens, 2 · inner], gates first -> silu(gate) · up (Shazeer 2020): [tokens, inner]."""
    out: Tensor = _SwiGLU.apply(gate_and_up)
    return out


class _AddNorm(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, update: Tensor | None, weight: Tensor, epsilon: float
    ) -> tuple[Tensor, Tensor]:
        total = x if update is None else x + update
        length = torch.linalg.vector_norm(total, dim=-1, keepdim=True, dtype=torch.float32)
        inverse = torch.rsqrt(length.square_().div_(total.shape[-1]).add_(epsilon))
        normed = (total * inverse).to(total.dtype).mul_(weight)
        ctx.save_for_backward(total, inverse, weight)
        ctx.updated = update is not None
        if update is None:
            total = x.view_as(x)
        return total, normed

    @staticmethod
    def backward(ctx: Any, g_total: Tensor, g_normed: Tensor) -> tuple[Tensor | None, ...]:
        total, inverse, weight = ctx.saved_tensors
        g = (g_normed * weight).float()
        along = (g * total).sum(dim=-1, keepdim=True).mul_(inverse**3 / -total.shape[-1])
        dx = g.mul_(inverse).addcmul_(total, along).add_(g_total).to(total.dtype)
        return dx, dx if ctx.updated else None, None, None


class _SwiGLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, gate_and_up: Tensor) -> Tensor:
        ctx.save_for_backward(gate_and_up)
        gate, up = gate_and_up.chunk(2, dim=-1)
        return F.silu(gate).mul_(up)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        (gate_and_up,) = ctx.saved_tensors
        gate, up = gate_and_up.chunk(2, dim=-1)
        d = torch.empty_like(gate_and_up)
        d_gate, d_up = d.chunk(2, dim=-1)
        torch.mul(F.silu(gate), g, out=d_up)
        d_gate.copy_(torch.ops.aten.silu_backward(g * up, gate))
        return d
