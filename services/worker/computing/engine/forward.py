"""A packed micro-batch through a Llama model's layers to its loss, read from top to bottom."""

from copy import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint
from transformers import LlamaForCausalLM

from services.worker.computing.engine.attention import attend, forget_masks
from services.worker.computing.engine.elementwise import add_norm, swiglu
from services.worker.computing.engine.head import cross_entropy
from services.worker.computing.engine.layout import PackedBatch
from services.worker.computing.engine.lora import AdaptedLinears
from services.worker.computing.engine.model_parts import adapted_linears
from services.worker.computing.engine.rotary import Heads, Positions
from services.worker.computing.engine.weights import Keep
from services.worker.phase_clock import PhaseClock


@dataclass(frozen=True)
class _Layer:
    """One decoder layer; `norms` are those before attention and before the MLP."""

    norms: tuple[Tensor, Tensor]
    epsilon: float
    qkv: AdaptedLinears
    out: AdaptedLinears
    gate_and_up: AdaptedLinears
    down: AdaptedLinears


class EngineLayers:
    """The loss of packed micro-batches, by the weights of `model` and of the adapter it carries.

    The model itself is only read. It must be one that `model_parts.why_not` has nothing against. `keep` says
    how long a 4-bit weight stays dequantized; one layer in `recompute_every` is computed again in the
    backward pass, none where it is None. On `clock` that and the head are phases of their own.
    """

    def __init__(
        self,
        model: LlamaForCausalLM,
        *,
        keep: Keep,
        recompute_every: int | None,
        clock: PhaseClock | None = None,
    ) -> None:
        decoder, config = model.model, model.config
        self._embedding, self._norm, self._head = decoder.embed_tokens, decoder.norm, model.lm_head
        self._rotary = decoder.rotary_emb
        self._heads = Heads(config.num_attention_heads, config.num_key_value_heads, config.head_dim)
        self._layers = [_layer(module, keep) for module in decoder.layers]
        self._recompute_every = recompute_every
        self._clock = clock or PhaseClock()
        self._through_again = self._clock.computing_again(self._through)

    def __call__(self, batch: PackedBatch, scale: float) -> Tensor:
        """The cross-entropy of the batch's targets times `scale`: an fp32 scalar."""
        hidden = self.hidden_at_sources(batch)
        with self._clock.phase("head_and_loss"):
            return cross_entropy(hidden, self._head, batch, scale)

    def hidden_at_sources(self, batch: PackedBatch) -> Tensor:
        """What the head sees: [sources, hidden]. Autocast is off: dtypes are chosen here.

        The residual stream is fp32 (see `precision.inputs`), all else has the dtype of the weights.
        """
        with torch.autocast(batch.ids.device.type, enabled=False):
            x: Tensor = self._embedding(batch.ids).float()
            positions = self._positions(batch, x)
            update: Tensor | None = None
            last = len(self._layers) - 1
            for number, layer in enumerate(self._layers):
                sources = batch.sources if number == last else None
                if self._recomputes(number):
                    x, update = checkpoint(
                        self._through_again, layer, x, update, batch, positions, sources, use_reentrant=False
                    )
                else:
                    x, update = self._through(layer, x, update, batch, positions, sources)
            return add_norm(x, update, self._norm.weight, self._norm.variance_epsilon)[1]

    def step_over(self) -> None:
        """What is kept for a step is let go."""
        forget_masks()

    def recomputing(self, every: int | None) -> "EngineLayers":
        """The same layers and kept weights, of which others are computed again."""
        other = copy(self)
        other._recompute_every = every
        return other

    def _through(
        self,
        layer: _Layer,
        x: Tensor,
        update: Tensor | None,
        batch: PackedBatch,
        positions: Positions,
        sources: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        """One layer: residual stream and what is to be added to it, both [tokens, hidden].

        With `sources` (the last layer) all that follows attention is only done where a target is predicted.
        """
        x, normed = add_norm(x, update, layer.norms[0], layer.epsilon)
        attended = attend(layer.qkv(normed), batch, self._heads, positions, normed.dtype)
        if sources is not None:
            x, attended = x.index_select(0, sources), attended.index_select(0, sources)
        x, normed = add_norm(x, layer.out(attended), layer.norms[1], layer.epsilon)
        return x, layer.down(swiglu(layer.gate_and_up(normed), normed.dtype))

    def _recomputes(self, number: int) -> bool:
        every = self._recompute_every
        return every is not None and number % every == 0 and torch.is_grad_enabled()

    def _positions(self, batch: PackedBatch, like: Tensor) -> Positions:
        """The model's own angles."""
        with torch.no_grad():
            cos, sin = self._rotary(like, batch.positions.unsqueeze(0))
        half = self._heads.size // 2  # the model writes every angle twice
        return Positions(cos[0, :, None, :half], sin[0, :, None, :half])


def _layer(module: Any, keep: Keep) -> _Layer:
    attention, mlp = module.self_attn, module.mlp
    before, after = module.input_layernorm, module.post_attention_layernorm
    dtype = before.weight.dtype  # the residual stream's; a 4-bit layer may name another of its own
    return _Layer(
        norms=(before.weight, after.weight),
        epsilon=before.variance_epsilon,
        qkv=adapted_linears([attention.q_proj, attention.k_proj, attention.v_proj], keep, dtype),
        # Its input is bf16 in the model, too, so PEFT's sum is.
        out=adapted_linears([attention.o_proj], keep, dtype, wide=False),
        gate_and_up=adapted_linears([mlp.gate_proj, mlp.up_proj], keep, dtype),
        down=adapted_linears([mlp.down_proj], keep, dtype),
    )
