"""What happens to each token alone between the linear layers, and its backward pass in few passes."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F


def add_norm(x: Tensor, update: Tensor | None, weight: Tensor, epsilon: float) -> tuple[Tensor, Tensor]:
    """The residual stream after `update`, fp32, and its RMS norm (Zhang & Sennrich 2019) in the dtype of
    `weight`: both [tokens, hidden].

    As transformers' LlamaRMSNorm computes it where the stream is fp32. `weight` is frozen.
    """
    total: Tensor
    normed: Tensor
    total, normed = _AddNorm.apply(x, update, weight, epsilon)
    return total, normed


def swiglu(gate_and_up: Tensor, dtype: torch.dtype) -> Tensor:
    """[tokens, 2 · inner], gates first -> silu(gate) · up (Shazeer 2020), computed in fp32, in `dtype`:
    [tokens, inner].
    """
    out: Tensor = _SwiGLU.apply(gate_and_up, dtype)
    return out


class _AddNorm(torch.autograd.Function):
    """For its backward pass the stream is kept in `weight`'s dtype: fp32 would take twice the memory."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, update: Tensor | None, weight: Tensor, epsilon: float
    ) -> tuple[Tensor, Tensor]:
        total = x.view_as(x) if update is None else x + update
        inverse = torch.rsqrt(total.square().mean(dim=-1, keepdim=True).add_(epsilon))
        normed = (total * inverse).mul_(weight).to(weight.dtype)
        ctx.save_for_backward(total.to(weight.dtype), inverse, weight)
        ctx.update_dtype = None if update is None else update.dtype
        return total, normed

    @staticmethod
    def backward(ctx: Any, g_total: Tensor, g_normed: Tensor) -> tuple[Tensor | None, ...]:
        total, inverse, weight = ctx.saved_tensors
        g = g_normed.to(torch.float32, copy=True).mul_(weight)
        along = (g * total).sum(dim=-1, keepdim=True).mul_(inverse**3 / -total.shape[-1])
        dx = g.mul_(inverse).addcmul_(total, along).add_(g_total)
        return dx, None if ctx.update_dtype is None else dx.to(ctx.update_dtype), None, None


class _SwiGLU(torch.autograd.Function):
    """Like the norm it keeps what the backward pass takes in `dtype`."""

    @staticmethod
    def forward(ctx: Any, gate_and_up: Tensor, dtype: torch.dtype) -> Tensor:
        ctx.save_for_backward(gate_and_up.to(dtype))
        gate, up = gate_and_up.chunk(2, dim=-1)
        return F.silu(gate.float()).mul_(up).to(dtype)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None]:
        (gate_and_up,) = ctx.saved_tensors
        gate, up = gate_and_up.chunk(2, dim=-1)
        d = torch.empty_like(gate_and_up)
        d_gate, d_up = d.chunk(2, dim=-1)
        torch.mul(F.silu(gate), g, out=d_up)
        d_gate.copy_(torch.ops.aten.silu_backward(g * up, gate))
        return d, None
