"""What the engine takes from a model, and which models it is not made for."""

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from peft.tuners.lora import LoraLayer
from torch import nn
from transformers import PreTrainedModel

from services.worker.computing.engine.description import Description, NotDescribed, describe
from services.worker.computing.engine.dropout import Dropout
from services.worker.computing.engine.lora import AdaptedLinears, Adapter
from services.worker.computing.engine.weights import FrozenWeights, Keep
from shared.messages.message import Message, say

ACTIVATION_MODULES = ("act_fn", "activation_fn", "activation")


def why_not(model: PreTrainedModel, *, longest_row: int) -> Message | None:
    """Why `EngineLayers` would not compute what `model` does, or None if it would."""
    try:
        description = describe(model.config, type(model).__name__)
    except NotDescribed as error:
        return error.reason
    if description.longest_row is not None and longest_row > description.longest_row:
        return say("rows-too-long-for-angles", longest=longest_row, most=description.longest_row)
    for path in unknown_parts(model, description):
        return say("own-layers-not-for-part", part=path)
    return _why_not_its_head(model)


def unknown_parts(model: PreTrainedModel, description: Description) -> Iterator[str]:
    """Paths of modules and weights within layers that no description speaks of."""
    traits = description.traits
    norms = [*(traits.before or ()), *(traits.after or ())]
    head_norms = ["q_norm", "k_norm"] if traits.head_norms else []
    for number, layer in enumerate(model.model.layers):
        attention, mlp = getattr(layer, "self_attn", None), getattr(layer, traits.mlp, None)
        for path, module, known in (
            ("", layer, {"self_attn", traits.mlp, *norms}),
            ("self_attn.", attention, {*traits.qkv, "o_proj", *head_norms}),
            (f"{traits.mlp}.", mlp, {*traits.gate_and_up, traits.down}),
        ):
            yield from (f"layers.{number}.{path}{name}" for name in _differing(module, known))


def _differing(module: nn.Module | None, known: set[str]) -> Iterator[str]:
    """Parts that it has beside `known`, or lacks."""
    if module is None:
        yield "*"
        return
    present = {
        name
        for name, part in module.named_children()
        if name in known or not (isinstance(part, nn.Identity) or name in ACTIVATION_MODULES or _is_off(part))
    }
    own = {name for name, _ in module.named_parameters(recurse=False)}
    yield from sorted((present | own) ^ known)


def _is_off(part: nn.Module) -> bool:
    return isinstance(part, nn.Dropout) and part.p == 0


def _why_not_its_head(model: PreTrainedModel) -> Message | None:
    if any(parameter.requires_grad for parameter in model.lm_head.parameters()):
        return say("output-head-trained")
    if type(model.lm_head) is not nn.Linear:
        return say("output-head-of-another-kind", head_class=type(model.lm_head).__name__)
    return None


def adapted_linears(
    layers: Sequence[nn.Module], keep: Keep, dtype: torch.dtype, *, wide: bool = True, first: int = 0
) -> AdaptedLinears:
    """Layers with the same input, each plain or with PEFT's LoRA on it. They are numbered from `first` on, by
    which dropout draws.
    """
    bases: list[Any] = [layer.get_base_layer() if isinstance(layer, LoraLayer) else layer for layer in layers]
    adapters, offset = [], 0
    for number, (layer, base) in enumerate(zip(layers, bases, strict=True), first):
        if isinstance(layer, LoraLayer):
            (name,) = layer.active_adapters
            a, b = layer.lora_A[name].weight, layer.lora_B[name].weight
            rate = getattr(layer.lora_dropout[name], "p", 0.0)  # without dropout it is an identity
            dropout = Dropout(rate, number) if rate else None
            adapters.append(Adapter(a, b, layer.scaling[name], offset, dropout))
        offset += base.out_features
    return AdaptedLinears(FrozenWeights(bases, keep, dtype), adapters, wide=wide)
