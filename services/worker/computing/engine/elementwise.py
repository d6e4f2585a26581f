"""What happens to each token alone between the linear layers, and its backward pass in few passes."""

from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from services.worker.computing.engine.fused import fused

Activation = Literal["silu", "gelu", "gelu_tanh"]
APPROXIMATIONS = {"gelu": "none", "gelu_tanh": "tanh"}  # as torch names them


def add_norm(
    x: Tensor, update: Tensor | None, weight: Tensor, epsilon: float, dtype: torch.dtype | None = None
) -> tuple[Tensor, Tensor]:
    """The residual stream after `update`, fp32, and its RMS norm (Zhang & Sennrich 2019) in `dtype`, by
    default that of `weight`: both [tokens, hidden].

    As transformers' LlamaRMSNorm computes it where the stream is fp32. `weight` is frozen.
    """
    total: Tensor
    normed: Tensor
    total, normed = _AddNorm.apply(x, update, weight, epsilon, dtype or weight.dtype)
    return total, normed


def add(x: Tensor, update: Tensor | None, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """The residual stream after `update`, fp32, and as it is, without a norm, in `dtype`."""
    total = x if update is None else x + update
    return total, total.to(dtype)


def norm(x: Tensor, weight: Tensor, epsilon: float, dtype: torch.dtype) -> Tensor:
    """The RMS norm of what a layer adds to the stream, in fp32 as the stream is: [tokens, hidden]. For its
    backward pass x is kept in `dtype`. `weight` is frozen.
    """
    normed: Tensor = _Norm.apply(x, weight, epsilon, dtype)
    return normed


def gated(gate_and_up: Tensor, dtype: torch.dtype, activation: Activation = "silu") -> Tensor:
    """[tokens, 2 · inner], gates first -> activation(gate) · up (Shazeer 2020), computed in fp32, in `dtype`:
    [tokens, inner].
    """
    out: Tensor = _Gated.apply(gate_and_up, dtype, activation)
    return out


@fused
def widened(base: Tensor, share: Tensor) -> Tensor:
    """Their sum in fp32, [tokens, out] each; `base` is overwritten if it is fp32 itself."""
    return base.float().add_(share)


class _AddNorm(torch.autograd.Function):
    """For its backward pass the stream is kept in `dtype`: fp32 would take twice the memory."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, update: Tensor | None, weight: Tensor, epsilon: float, dtype: torch.dtype
    ) -> tuple[Tensor, Tensor]:
        total, kept, inverse, normed = _add_norm(x, update, weight, epsilon, dtype)
        ctx.save_for_backward(kept, inverse, weight)
        ctx.update_dtype = None if update is None else update.dtype
        return x.view_as(x) if update is None else total, normed

    @staticmethod
    def backward(ctx: Any, g_total: Tensor, g_normed: Tensor) -> tuple[Tensor | None, ...]:
        dx, d_update = _add_norm_gradient(g_total, g_normed, *ctx.saved_tensors, ctx.update_dtype)
        return dx, d_update, None, None, None


@fused
def _add_norm(
    x: Tensor, update: Tensor | None, weight: Tensor, epsilon: float, dtype: torch.dtype
) -> tuple[Tensor, ...]:
    total = x if update is None else x + update
    inverse = torch.rsqrt(total.square().mean(dim=-1, keepdim=True).add_(epsilon))
    normed = (total * inverse).mul_(weight).to(dtype)
    return total, total.to(dtype), inverse, normed


@fused
def _add_norm_gradient(
    g_total: Tensor,
    g_normed: Tensor,
    total: Tensor,
    inverse: Tensor,
    weight: Tensor,
    update_dtype: torch.dtype | None,
) -> tuple[Tensor, Tensor | None]:
    # normed = w·x·r with r = (mean(x²) + ε)^-½: x goes through r as well, whence the share along x itself,
    # -x · r³/n · Σ(g·w·x).
    g = g_normed.to(torch.float32, copy=True).mul_(weight)
    along = (g * total).sum(dim=-1, keepdim=True).mul_(inverse**3 / -total.shape[-1])
    dx = g.mul_(inverse).addcmul_(total, along).add_(g_total)
    return dx, None if update_dtype is None else dx.to(update_dtype)


class _Norm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, epsilon: float, dtype: torch.dtype) -> Tensor:
        kept, inverse, normed = _norm(x, weight, epsilon, dtype)
        ctx.save_for_backward(kept, inverse, weight)
        ctx.dtype = x.dtype
        return normed

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        return _norm_gradient(g, *ctx.saved_tensors).to(ctx.dtype), None, None, None


@fused
def _norm(x: Tensor, weight: Tensor, epsilon: float, dtype: torch.dtype) -> tuple[Tensor, ...]:
    wide = x.float()
    inverse = torch.rsqrt(wide.square().mean(dim=-1, keepdim=True).add_(epsilon))
    return x.to(dtype), inverse, (wide * inverse).mul_(weight)


def norm_gradient(g: Tensor, x: Tensor, inverse: Tensor, weight: Tensor) -> Tensor:
    """Of x, in fp32 as g is: as in `_add_norm_gradient`, without a stream beside it."""
    g = g * weight
    along = (g * x).sum(dim=-1, keepdim=True).mul_(inverse**3 / -x.shape[-1])
    return g.mul_(inverse).addcmul_(x, along)


_norm_gradient = fused(norm_gradient)


class _Gated(torch.autograd.Function):
    """Like the norm it keeps what the backward pass takes in `dtype`."""

    @staticmethod
    def forward(ctx: Any, gate_and_up: Tensor, dtype: torch.dtype, activation: Activation) -> Tensor:
        kept, out = (
            _swiglu(gate_and_up, dtype)
            if activation == "silu"
            else _geglu(gate_and_up, dtype, APPROXIMATIONS[activation])
        )
        ctx.save_for_backward(kept)
        ctx.activation = activation
        return out

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor, None, None]:
        (kept,) = ctx.saved_tensors
        if ctx.activation == "silu":
            return _swiglu_gradient(g, kept), None, None
        return _geglu_gradient(g, kept, APPROXIMATIONS[ctx.activation]), None, None


@fused
def _swiglu(gate_and_up: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    gate, up = gate_and_up.chunk(2, dim=-1)
    return gate_and_up.to(dtype), F.silu(gate.float()).mul_(up).to(dtype)


@fused
def _swiglu_gradient(g: Tensor, gate_and_up: Tensor) -> Tensor:
    gate, up = gate_and_up.chunk(2, dim=-1)
    if g.is_cuda:
        return _swiglu_gradient_on_card(g.float(), gate.float(), up.float()).to(g.dtype)
    d = torch.empty_like(gate_and_up)  # joined afterwards, they would be written twice
    d_gate, d_up = d.chunk(2, dim=-1)
    torch.mul(F.silu(gate), g, out=d_up)
    d_gate.copy_(torch.ops.aten.silu_backward(g * up, gate))
    return d


def _swiglu_gradient_on_card(g: Tensor, gate: Tensor, up: Tensor) -> Tensor:
    """What torch compiles to one pass; what is above it doesn't compile."""
    open_ = torch.sigmoid(gate)  # silu(x) = x·σ(x), whose derivative is σ(x)·(1 + x·(1 - σ(x)))
    return torch.cat([g * up * open_ * (1 + gate * (1 - open_)), g * gate * open_], dim=-1)


@fused
def _geglu(gate_and_up: Tensor, dtype: torch.dtype, approximate: str) -> tuple[Tensor, Tensor]:
    gate, up = gate_and_up.chunk(2, dim=-1)
    return gate_and_up.to(dtype), F.gelu(gate.float(), approximate=approximate).mul_(up).to(dtype)


@fused
def _geglu_gradient(g: Tensor, gate_and_up: Tensor, approximate: str) -> Tensor:
    gate, up = (half.float() for half in gate_and_up.chunk(2, dim=-1))
    wide = g.float()
    d_gate = torch.ops.aten.gelu_backward(wide * up, gate, approximate=approximate)
    return torch.cat([d_gate, wide * F.gelu(gate, approximate=approximate)], dim=-1).to(g.dtype)
