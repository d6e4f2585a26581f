"""What the engine takes from a model, and which models it is not made for."""

from collections.abc import Sequence
from typing import Any

import torch
from peft.tuners.lora import LoraLayer
from torch import nn
from transformers import LlamaForCausalLM, PreTrainedConfig, PreTrainedModel

from services.worker.computing.engine.lora import AdaptedLinears, Adapter
from services.worker.computing.engine.weights import FrozenWeights, Keep
from shared.messages.message import Message, say

ROPE_TYPES = ("default", "linear", "llama3")  # their angles depend on nothing but the position


def why_not(model: PreTrainedModel, *, dropout: float) -> Message | None:
    """Why `EngineLayers` would not compute what `model` does, or None if it would."""
    if type(model) is not LlamaForCausalLM:
        return say("model-is-no-llama", model_class=type(model).__name__)
    config = model.config
    if dropout:
        return say("own-layers-without-dropout", dropout=dropout)
    if reason := _unusual(config):
        return reason
    if any(parameter.requires_grad for parameter in model.lm_head.parameters()):
        return say("output-head-trained")
    if type(model.lm_head) is not nn.Linear:
        return say("output-head-of-another-kind", head_class=type(model.lm_head).__name__)
    return None


def adapted_linears(
    layers: Sequence[nn.Module], keep: Keep, dtype: torch.dtype, *, wide: bool = True
) -> AdaptedLinears:
    """Layers with the same input, each plain or with PEFT's LoRA on it."""
    bases: list[Any] = [layer.get_base_layer() if isinstance(layer, LoraLayer) else layer for layer in layers]
    adapters, offset = [], 0
    for layer, base in zip(layers, bases, strict=True):
        if isinstance(layer, LoraLayer):
            (name,) = layer.active_adapters
            a, b = layer.lora_A[name].weight, layer.lora_B[name].weight
            adapters.append(Adapter(a, b, layer.scaling[name], offset))
        offset += base.out_features
    return AdaptedLinears(FrozenWeights(bases, keep, dtype), adapters, wide=wide)


def _unusual(config: PreTrainedConfig) -> Message | None:
    """What of a Llama's configuration the layers don't know."""
    known = {
        "hidden_act": ("silu",),
        "attention_bias": (False,),
        "mlp_bias": (False,),
        "attention_dropout": (0, 0.0),
    }
    for name, values in known.items():
        if (value := getattr(config, name)) not in values:
            return say("own-layers-not-for-setting", setting=name, value=str(value))
    rope = config.rope_parameters["rope_type"]
    if rope in ROPE_TYPES:
        return None
    return say("own-layers-not-for-setting", setting="rope_type", value=str(rope))
