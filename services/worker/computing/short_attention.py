"""Attention's backward pass on a processor, for short rows of a model that computes by its own forward."""

from typing import Any

import torch
from torch import Tensor, nn
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

NAME = "sdpa"  # what transformers calls torch's kernels
# Tokens of a row. Of longer ones torch's kernel, which goes block by block, is as quick and takes less room.
WIDEST = 192


def put_in() -> None:
    """From here on models whose attention is torch's have the quicker backward pass, until `take_out`."""
    ALL_ATTENTION_FUNCTIONS[NAME] = attention


def take_out() -> None:
    if ALL_ATTENTION_FUNCTIONS[NAME] is attention:
        del ALL_ATTENTION_FUNCTIONS[NAME]


def attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    is_causal: bool | None = None,
    **more: Any,
) -> tuple[Tensor, None]:
    """As transformers calls it: queries [rows, heads, width, size], keys and values [rows, keys, width, size]
    -> [rows, width, heads, size]. What is not plainly causal is left to transformers.
    """
    causal = getattr(module, "is_causal", True) if is_causal is None else is_causal
    states = _as_autocast(query, key, value)
    if not causal or attention_mask is not None or dropout or not _short(*states) or _special(more):
        result: tuple[Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, dropout, scaling, is_causal, **more
        )
        return result
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    out: Tensor = _ShortAttention.apply(*states, scale)
    return out.transpose(1, 2).contiguous(), None


def _as_autocast(*states: Tensor) -> tuple[Tensor, ...]:
    """Autocast knows torch's attention by its name alone."""
    device = states[0].device.type
    if not torch.is_autocast_enabled(device):
        return states
    return tuple(state.to(torch.get_autocast_dtype(device)) for state in states)


def _short(query: Tensor, key: Tensor, value: Tensor) -> bool:
    """Whether all is on a processor, of one size and dtype, will have a backward pass and is short."""
    width = query.shape[2]
    return (
        query.device.type == "cpu"
        and query.dtype == key.dtype == value.dtype
        and 1 < width <= WIDEST
        and key.shape == value.shape
        and key.shape[2:] == query.shape[2:]
        and query.shape[1] % key.shape[1] == 0
        and torch.is_grad_enabled()
        and any(state.requires_grad for state in (query, key, value))
    )


def _special(more: dict[str, Any]) -> bool:
    return any(more.get(name) is not None for name in ("softcap", "position_bias", "cache", "s_aux"))


class _ShortAttention(torch.autograd.Function):
    """Forward by torch's kernel, so that not a bit differs. Backward by whole score matrices, made again from
    their log-sum-exp: for short rows several times as quick as that kernel's own.

    With S = scale · Q·Kᵀ, P = softmax(S) and O = P·V: dV = Pᵀ·dO, dP = dO·Vᵀ,
    dS = P ∘ (dP - rowsum(dP ∘ P)), dQ = scale · dS·K, dK = scale · dSᵀ·Q.
    """

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, scale: float) -> Tensor:
        kernel = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
        out: Tensor
        out, log_sum = kernel(q, k, v, is_causal=True, scale=scale)
        ctx.save_for_backward(q, k, v, log_sum)
        ctx.scale = scale
        return out

    @staticmethod
    def backward(ctx: Any, d: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        q, k, v, log_sum = ctx.saved_tensors
        shapes, width = (q.shape, k.shape), q.shape[2]
        # Queries of the same keys are stacked: the products for dK and dV add them up by themselves.
        k, v = (part.reshape(-1, width, part.shape[-1]) for part in (k, v))
        q, d = (part.reshape(len(k), -1, part.shape[-1]) for part in (q, d))
        # Scores in fp32: they are large, and their exponentials would not forgive bf16's rounding.
        scores = torch.bmm(q.float(), k.float().transpose(1, 2)).mul_(ctx.scale)
        scores.sub_(log_sum.reshape(len(k), -1, 1))
        future = torch.ones(width, width, dtype=torch.bool).triu_(1)
        scores.view(len(k), -1, width, width).masked_fill_(future, float("-inf"))
        p = scores.exp_().to(q.dtype)
        del scores
        d_v = torch.bmm(p.transpose(1, 2), d)
        d_p = torch.bmm(d, v.transpose(1, 2))
        d_s = torch._softmax_backward_data(d_p, p, -1, p.dtype).mul_(ctx.scale)
        d_q, d_k = torch.bmm(d_s, k), torch.bmm(d_s.transpose(1, 2), q)
        return d_q.view(shapes[0]), d_k.view(shapes[1]), d_v.view(shapes[1]), None
