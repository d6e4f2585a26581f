"""A packed micro-batch through a decoder's layers to its loss, read from top to bottom."""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from transformers import PreTrainedModel

from services.worker.computing.engine.attention import attend, forget_masks
from services.worker.computing.engine.description import Description, describe
from services.worker.computing.engine.dropout import MATRICES_OF_A_LAYER
from services.worker.computing.engine.elementwise import Activation, add, add_norm, gated, norm
from services.worker.computing.engine.head import Logits, cross_entropy
from services.worker.computing.engine.head_norm import HeadNorms, norm_heads
from services.worker.computing.engine.layout import PackedBatch
from services.worker.computing.engine.lora import AdaptedLinears
from services.worker.computing.engine.model_parts import adapted_linears
from services.worker.computing.engine.rotary import Heads, Positions
from services.worker.computing.engine.weights import Keep
from services.worker.phase_clock import PhaseClock


@dataclass(frozen=True)
class _Norm:
    weight: Tensor
    epsilon: float


@dataclass(frozen=True)
class _Layer:
    """One decoder layer. `before` are the norms of what attention and the MLP take, `after` of what they
    give; None where it has none. `angles` says how its heads are rotated (None: not at all).
    """

    before: tuple[_Norm | None, _Norm | None]
    after: tuple[_Norm | None, _Norm | None]
    qkv: AdaptedLinears
    head_norms: HeadNorms | None
    heads: Heads
    angles: str | None
    out: AdaptedLinears
    gate_and_up: AdaptedLinears
    activation: Activation
    down: AdaptedLinears

    @property
    def drops(self) -> bool:
        return any(group.drops for group in (self.qkv, self.out, self.gate_and_up, self.down))


class EngineLayers:
    """The loss of packed micro-batches, by the weights of `model` and of the adapter it carries.

    The model itself is only read. It must be one that `model_parts.why_not` has nothing against. `keep` says
    how long a 4-bit weight stays dequantized; one layer in `recompute_every` is computed again in the
    backward pass, none where it is None. On `clock` that and the head are phases of their own.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        *,
        keep: Keep,
        recompute_every: int | None,
        clock: PhaseClock | None = None,
    ) -> None:
        decoder, description = model.model, describe(model.config)
        self._embedding, self._head, self._rotary = decoder.embed_tokens, model.lm_head, decoder.rotary_emb
        self._scales, self._interleaved = description.scales, description.traits.interleaved
        self._logits = _logits(description)
        # The dtype of what linear layers take; a 4-bit layer may name another one of its own.
        self._dtype = decoder.norm.weight.dtype
        self._norm = _norm(decoder.norm, description)
        self._layers = [
            _layer(module, number, description, keep, self._dtype)
            for number, module in enumerate(decoder.layers)
        ]
        self._model, self._recompute_every = model, recompute_every
        self._clock = clock or PhaseClock()
        self._through_again = self._clock.computing_again(self._through)

    def __call__(self, batch: PackedBatch, scale: float) -> Tensor:
        """The cross-entropy of the batch's targets times `scale`: an fp32 scalar."""
        hidden = self.hidden_at_sources(batch)
        with self._clock.phase("head_and_loss"):
            return cross_entropy(hidden, self._head, batch, scale, self._logits)

    def hidden_at_sources(self, batch: PackedBatch) -> Tensor:
        """What the head sees: [sources, hidden]. Autocast is off: dtypes are chosen here.

        The residual stream is fp32 (see `precision.inputs`), all else has the dtype of the weights.
        """
        with torch.autocast(batch.ids.device.type, enabled=False):
            x: Tensor = self._embedding(batch.ids).float()
            if self._scales.embeddings is not None:
                x = x * self._scales.embeddings
            positions = self._positions(batch, x)
            update: Tensor | None = None
            last = len(self._layers) - 1
            for number, layer in enumerate(self._layers):
                sources = batch.sources if number == last else None
                rotated = None if layer.angles is None else positions[layer.angles]
                if self._recomputes(number):
                    x, update = checkpoint(
                        self._through_again, layer, x, update, batch, rotated, sources, use_reentrant=False
                    )
                else:
                    x, update = self._through(layer, x, update, batch, rotated, sources)
            return self._into(x, update, self._norm)[1]

    @property
    def drops(self) -> bool:
        """Whether adapters now drop some of their inputs, for which a batch must have keys."""
        return self._model.training and any(layer.drops for layer in self._layers)

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
        positions: Positions | None,
        sources: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        """One layer: residual stream and what is to be added to it, both [tokens, hidden].

        With `sources` (the last layer) all that follows attention is only done where a target is predicted.
        """
        x, taken = self._into(x, update, layer.before[0])
        keys = batch.keys
        qkv = layer.qkv(taken, keys)
        if layer.head_norms is not None:
            qkv = norm_heads(qkv, layer.heads, layer.head_norms)
        attended = attend(qkv, batch, layer.heads, positions, taken.dtype)
        if sources is not None:
            x, attended = x.index_select(0, sources), attended.index_select(0, sources)
            keys = None if keys is None else keys.index_select(0, sources)
        update = self._out_of(layer.out(attended, keys), layer.after[0])
        x, taken = self._into(x, update, layer.before[1])
        inner = gated(layer.gate_and_up(taken, keys), taken.dtype, layer.activation)
        return x, self._out_of(layer.down(inner, keys), layer.after[1])

    def _into(self, x: Tensor, update: Tensor | None, before: _Norm | None) -> tuple[Tensor, Tensor]:
        """The stream after `update`, and what attention, the MLP or the head takes of it."""
        if before is None:
            return add(x, update, self._dtype)
        return add_norm(x, update, before.weight, before.epsilon, self._dtype)

    def _out_of(self, given: Tensor, after: _Norm | None) -> Tensor:
        """What is added to the stream of what attention or the MLP gave."""
        if after is not None:
            given = norm(given, after.weight, after.epsilon, self._dtype)
        return given if self._scales.updates is None else given.float() * self._scales.updates

    def _recomputes(self, number: int) -> bool:
        every = self._recompute_every
        return every is not None and number % every == 0 and torch.is_grad_enabled()

    def _positions(self, batch: PackedBatch, like: Tensor) -> Mapping[str, Positions]:
        """The model's own angles, of each kind that its layers have."""
        at, found = batch.positions.unsqueeze(0), dict[str, Positions]()
        for kind in dict.fromkeys(layer.angles for layer in self._layers):
            if kind is not None:
                with torch.no_grad():
                    cos, sin = self._rotary(like, at, kind) if kind else self._rotary(like, at)
                half = cos.shape[-1] // 2  # the model writes every angle twice
                cos, sin = (part[0, :, None, :half] for part in (cos, sin))
                found[kind] = Positions(cos, sin, self._interleaved)
        return found


def _layer(module: Any, number: int, description: Description, keep: Keep, dtype: torch.dtype) -> _Layer:
    traits, attention, mlp = description.traits, module.self_attn, getattr(module, description.traits.mlp)
    first = number * MATRICES_OF_A_LAYER
    return _Layer(
        before=_norms(module, traits.before, description),
        after=_norms(module, traits.after, description),
        qkv=adapted_linears([getattr(attention, name) for name in traits.qkv], keep, dtype, first=first),
        head_norms=_head_norms(attention, description, dtype) if traits.head_norms else None,
        heads=_heads(description, number),
        angles=description.angles[number],
        # Its input is bf16 in the model, too, so PEFT's sum is.
        out=adapted_linears([attention.o_proj], keep, dtype, wide=False, first=first + 3),
        gate_and_up=adapted_linears(
            [getattr(mlp, name) for name in traits.gate_and_up], keep, dtype, first=first + 4
        ),
        activation=description.activation,
        down=adapted_linears([getattr(mlp, traits.down)], keep, dtype, first=first + 6),
    )


def _norms(
    layer: Any, names: tuple[str, str] | None, description: Description
) -> tuple[_Norm | None, _Norm | None]:
    if names is None:
        return None, None
    return _norm(getattr(layer, names[0]), description), _norm(getattr(layer, names[1]), description)


def _norm(module: Any, description: Description) -> _Norm | None:
    if isinstance(module, nn.Identity):
        return None
    weight, offset = module.weight.detach(), description.traits.norm_offset
    epsilon = module.variance_epsilon if hasattr(module, "variance_epsilon") else module.eps
    return _Norm(weight.float() + offset if offset else weight, epsilon)


def _head_norms(attention: Any, description: Description, dtype: torch.dtype) -> HeadNorms:
    queries, keys = (_norm(part, description) for part in (attention.q_norm, attention.k_norm))
    assert queries is not None
    assert keys is not None
    return HeadNorms(queries.weight, keys.weight, queries.epsilon, dtype)


def _heads(description: Description, number: int) -> Heads:
    scales = description.scales
    return Heads(
        description.queries,
        description.keys,
        description.size,
        scales.scores,
        scales.score_cap,
        description.windows[number],
    )


def _logits(description: Description) -> Logits | None:
    """None where the head's are taken as they are."""
    scales = description.scales
    if not scales.changes_logits:
        return None
    return Logits(1.0 if scales.logits is None else scales.logits, scales.logit_cap)
