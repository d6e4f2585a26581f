"""Attention's backward pass on a processor, for short rows of a model that computes by its own forward."""

from typing import Any

import torch
from torch import Tensor, nn
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from services.worker.computing.engine.score_gradients import score_gradients

NAME = "sdpa"  # what transformers calls torch's kernels
# Tokens of a row. Of longer ones torch's kernel, which goes block by block, is as quick and takes less room.
WIDEST = 512


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
    """Forward by torch's kernel, so that not a bit differs. Backward by score matrices, made again from
    their log-sum-exp: for short rows several times as quick as that kernel's own.
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
        width, size = q.shape[2:]
        keys, values = (part.reshape(-1, width, size) for part in (k, v))
        # Queries of the same keys are stacked: the products for dK and dV add them up by themselves.
        queries, d = (part.reshape(len(keys), -1, size) for part in (q, d))
        hidden = q.new_full((width, width), float("-inf")).triu_(1)
        d_q, d_k, d_v = score_gradients(d, queries, keys, values, log_sum, hidden, factor=ctx.scale)
        return d_q.view(q.shape), d_k.view(k.shape), d_v.view(k.shape), None
