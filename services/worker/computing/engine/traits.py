"""What tells families of dense decoders apart: a row for each class of transformers that the layers know."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from transformers import (
    CwmConfig,
    Ernie4_5Config,
    Exaone4Config,
    Gemma2Config,
    Gemma3TextConfig,
    GemmaConfig,
    Glm4Config,
    GlmConfig,
    GraniteConfig,
    GraniteMoeHybridConfig,
    HeliumConfig,
    LlamaConfig,
    MinistralConfig,
    MistralConfig,
    Olmo2Config,
    Olmo3Config,
    Phi3Config,
    PreTrainedConfig,
    Qwen2Config,
    Qwen3Config,
    SeedOssConfig,
    SmolLM3Config,
    VaultGemmaConfig,
)
from transformers.models.hyperclovax.configuration_hyperclovax import HyperCLOVAXConfig
from transformers.models.internlm3.configuration_internlm3 import InternLM3Config
from transformers.models.iquestcoder.configuration_iquestcoder import IQuestCoderConfig


@dataclass(frozen=True)
class Scales:
    """What a family multiplies with where others do nothing: embeddings, every update of the residual stream,
    attention's scores (None: the head size to the power -1/2) and the logits. A cap c makes c · tanh(x / c)
    of a score or a logit.
    """

    embeddings: float | None = None
    updates: float | None = None
    scores: float | None = None
    score_cap: float | None = None
    logits: float | None = None
    logit_cap: float | None = None

    @property
    def changes_logits(self) -> bool:
        return self.logits is not None or self.logit_cap is not None


@dataclass(frozen=True)
class Traits:
    """What all models of one class of transformers have in common, beside what their configuration says.

    `before` and `after` name the norms of what attention and the MLP take, and of what they give; None: they
    have none. `norm_offset` is added to a norm's weight. With `head_norms` queries and keys have a norm each.
    `inner` and `activation` are fields of the configuration. `windows` says which layers see only so much.
    `angles` says whether each type of layers has its own rotary angles, and `unplaced(config, layer)` which
    layers have no positions. With `interleaved` an angle turns neighbours in a head, else a number of its
    first half and one of its second.
    """

    class_name: str
    before: tuple[str, str] | None = ("input_layernorm", "post_attention_layernorm")
    after: tuple[str, str] | None = None
    norm_offset: float = 0.0
    head_norms: bool = False
    qkv: tuple[str, ...] = ("q_proj", "k_proj", "v_proj")
    mlp: str = "mlp"
    gate_and_up: tuple[str, ...] = ("gate_proj", "up_proj")
    down: str = "down_proj"
    inner: str = "intermediate_size"
    activation: str = "hidden_act"
    windows: Literal["none", "all", "by type"] = "none"
    angles: Literal["one", "by type"] = "one"
    unplaced: Callable[[Any, int], bool] = lambda config, layer: False
    interleaved: bool = False
    scales: Callable[[Any], Scales] = lambda config: Scales()


def _gemma2_scales(config: Any) -> Scales:
    return Scales(
        scores=config.query_pre_attn_scalar**-0.5,
        score_cap=config.attn_logit_softcapping,
        logit_cap=config.final_logit_softcapping,
    )


def _gemma3_scales(config: Any) -> Scales:
    """Its attention is never capped, whatever the configuration says."""
    return Scales(scores=config.query_pre_attn_scalar**-0.5, logit_cap=config.final_logit_softcapping)


def _granite_scales(config: Any) -> Scales:
    return _multiplied(config, 1 / config.logits_scaling)


def _hyperclovax_scales(config: Any) -> Scales:
    """As Granite's, but its logits are multiplied."""
    return _multiplied(config, config.logits_scaling)


def _multiplied(config: Any, logits: float) -> Scales:
    embeddings, updates, changed = (
        None if factor == 1 else float(factor)
        for factor in (config.embedding_multiplier, config.residual_multiplier, logits)
    )
    return Scales(embeddings, updates, float(config.attention_multiplier), logits=changed)


AFTER = ("post_attention_layernorm", "post_feedforward_layernorm")
AROUND = ("input_layernorm", "pre_feedforward_layernorm")

# Gemma's embeddings are multiplied in their own module, so that is no scale here.
FAMILIES: dict[type[PreTrainedConfig], Traits] = {
    LlamaConfig: Traits("LlamaForCausalLM"),
    MistralConfig: Traits("MistralForCausalLM", windows="all"),
    MinistralConfig: Traits("MinistralForCausalLM", windows="by type"),
    Qwen2Config: Traits("Qwen2ForCausalLM", windows="by type"),
    Qwen3Config: Traits("Qwen3ForCausalLM", head_norms=True, windows="by type"),
    SmolLM3Config: Traits(
        "SmolLM3ForCausalLM",
        windows="by type",
        unplaced=lambda config, layer: not config.no_rope_layers[layer],
    ),
    CwmConfig: Traits("CwmForCausalLM", windows="by type"),
    InternLM3Config: Traits("LlamaForCausalLM"),
    IQuestCoderConfig: Traits("LlamaForCausalLM"),
    Ernie4_5Config: Traits("Ernie4_5ForCausalLM", interleaved=True),
    HeliumConfig: Traits("HeliumForCausalLM", interleaved=True),
    GlmConfig: Traits("GlmForCausalLM", gate_and_up=("gate_up_proj",), interleaved=True),
    Glm4Config: Traits(
        "Glm4ForCausalLM",
        after=("post_self_attn_layernorm", "post_mlp_layernorm"),
        gate_and_up=("gate_up_proj",),
        interleaved=True,
    ),
    SeedOssConfig: Traits("SeedOssForCausalLM"),
    Phi3Config: Traits("Phi3ForCausalLM", qkv=("qkv_proj",), gate_and_up=("gate_up_proj",), windows="all"),
    GemmaConfig: Traits("GemmaForCausalLM", norm_offset=1.0),
    Gemma2Config: Traits(
        "Gemma2ForCausalLM",
        before=AROUND,
        after=AFTER,
        norm_offset=1.0,
        activation="hidden_activation",
        windows="by type",
        scales=_gemma2_scales,
    ),
    VaultGemmaConfig: Traits(
        "VaultGemmaForCausalLM",
        before=AROUND,
        norm_offset=1.0,
        activation="hidden_activation",
        windows="by type",
        scales=_gemma2_scales,
    ),
    Gemma3TextConfig: Traits(
        "Gemma3ForCausalLM",
        before=AROUND,
        after=AFTER,
        norm_offset=1.0,
        head_norms=True,
        activation="hidden_activation",
        windows="by type",
        angles="by type",
        scales=_gemma3_scales,
    ),
    GraniteConfig: Traits("GraniteForCausalLM", scales=_granite_scales),
    # Granite 4.0's small ones: of a mixture without experts the part that all tokens share.
    GraniteMoeHybridConfig: Traits(
        "GraniteMoeHybridForCausalLM",
        mlp="shared_mlp",
        gate_and_up=("input_linear",),
        down="output_linear",
        inner="shared_intermediate_size",
        unplaced=lambda config, layer: config.position_embedding_type != "rope",
        scales=_granite_scales,
    ),
    HyperCLOVAXConfig: Traits(
        "HyperCLOVAXForCausalLM", after=("post_norm1", "post_norm2"), scales=_hyperclovax_scales
    ),
    Exaone4Config: Traits(
        "Exaone4ForCausalLM",
        before=None,
        after=AFTER,
        head_norms=True,
        windows="by type",
        # Where some layers have a window, those that see all have no position.
        unplaced=lambda config, layer: (
            config.sliding_window is not None and config.layer_types[layer] == "full_attention"
        ),
    ),
    Olmo2Config: Traits("Olmo2ForCausalLM", before=None, after=AFTER, head_norms=True),
    Olmo3Config: Traits(
        "Olmo3ForCausalLM",
        before=None,
        after=AFTER,
        head_norms=True,
        windows="by type",
        angles="by type",
    ),
}
