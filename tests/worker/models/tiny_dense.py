"""Tiny models of dense decoder families, in memory: every weight is random, so that none has no effect."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import PreTrainedConfig

from services.worker.models.hub.model_places import ModelFiles
from services.worker.models.load import LoadedModel, make_ready

ROWS = 512
WINDOW = 5
"""Shorter than most rows of the tests."""

_SIZES = {"vocab_size": ROWS, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2,
          "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 128,
          "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}  # fmt: skip
_WIDE = {**_SIZES, "head_dim": 16}  # heads together are wider than the stream
_TYPES = ["sliding_attention", "full_attention"]
_LONGROPE = {"rope_type": "longrope", "rope_theta": 1e4, "partial_rotary_factor": 0.5,
             "original_max_position_embeddings": 64, "factor": 2.0,
             "short_factor": [1.0, 1.3], "long_factor": [2.0, 5.0]}  # fmt: skip


def _yarn() -> dict[str, object]:  # made anew each time, since transformers writes into what it is given
    return {"rope_type": "yarn", "rope_theta": 1e4, "factor": 4.0, "original_max_position_embeddings": 32}


def _gemma3_rope() -> dict[str, object]:
    return {
        "sliding_attention": {"rope_type": "default", "rope_theta": 1e4},
        "full_attention": {"rope_type": "linear", "rope_theta": 1e6, "factor": 8.0},
    }


def _olmo3_rope() -> dict[str, object]:
    return {"sliding_attention": {"rope_type": "default", "rope_theta": 5e5}, "full_attention": _yarn()}


DENSE: dict[str, Callable[[], PreTrainedConfig]] = {
    "llama": lambda: transformers.LlamaConfig(**_SIZES, tie_word_embeddings=True),
    "llama-biases": lambda: transformers.LlamaConfig(**_SIZES, attention_bias=True, mlp_bias=True),
    "mistral": lambda: transformers.MistralConfig(**_WIDE, sliding_window=None),
    "mistral-window": lambda: transformers.MistralConfig(**_WIDE, sliding_window=WINDOW),
    "ministral": lambda: transformers.MinistralConfig(**_WIDE, sliding_window=WINDOW, layer_types=_TYPES),
    "qwen2": lambda: transformers.Qwen2Config(**_SIZES, tie_word_embeddings=True),
    "qwen2-window": lambda: transformers.Qwen2Config(
        **_SIZES, use_sliding_window=True, sliding_window=WINDOW, max_window_layers=1),
    "qwen3": lambda: transformers.Qwen3Config(**_WIDE, tie_word_embeddings=True),
    "qwen3-biases-yarn": lambda: transformers.Qwen3Config(
        **_WIDE, attention_bias=True, rope_parameters=_yarn()),
    "smollm3": lambda: transformers.SmolLM3Config(**_SIZES, no_rope_layers=[1, 0]),
    "cwm": lambda: transformers.CwmConfig(**_WIDE, sliding_window=WINDOW, layer_types=_TYPES),
    "seed-oss": lambda: transformers.SeedOssConfig(**_WIDE, attention_dropout=0.0, residual_dropout=0.0),
    "phi3": lambda: transformers.Phi3Config(**_SIZES, sliding_window=WINDOW),
    "phi3-longrope": lambda: transformers.Phi3Config(
        **_SIZES, original_max_position_embeddings=64, rope_parameters=_LONGROPE, tie_word_embeddings=True),
    "gemma": lambda: transformers.GemmaConfig(**_WIDE),
    "gemma2": lambda: transformers.Gemma2Config(
        **_WIDE, query_pre_attn_scalar=5, sliding_window=WINDOW, attn_logit_softcapping=2.0,
        final_logit_softcapping=3.0),
    "gemma3": lambda: transformers.Gemma3TextConfig(
        **_WIDE, query_pre_attn_scalar=5, sliding_window=WINDOW, layer_types=_TYPES,
        rope_parameters=_gemma3_rope(), final_logit_softcapping=3.0, attn_logit_softcapping=2.0),
    "granite": lambda: transformers.GraniteConfig(
        **_SIZES, embedding_multiplier=3.0, residual_multiplier=0.3, attention_multiplier=0.5,
        logits_scaling=4.0, tie_word_embeddings=True),
    "hyperclovax": lambda: transformers.AutoConfig.for_model(
        "hyperclovax", **_WIDE, embedding_multiplier=3.0, residual_multiplier=0.3, attention_multiplier=0.5,
        logits_scaling=0.25),
    "hyperclovax-pre-norm": lambda: transformers.AutoConfig.for_model(
        "hyperclovax", **_WIDE, use_post_norm=False, attention_multiplier=0.5),
    "exaone4": lambda: transformers.Exaone4Config(
        **_WIDE, sliding_window=None, layer_types=["full_attention"] * 2, tie_word_embeddings=True),
    "exaone4-hybrid": lambda: transformers.Exaone4Config(**_WIDE, sliding_window=WINDOW, layer_types=_TYPES),
    "internlm3": lambda: transformers.AutoConfig.for_model("internlm3", **_WIDE, attention_bias=True,
                                                           mlp_bias=True),
    "iquestcoder": lambda: transformers.AutoConfig.for_model("iquestcoder", **_WIDE),
    "ernie4_5": lambda: transformers.Ernie4_5Config(**_WIDE, use_bias=True),
    "helium": lambda: transformers.HeliumConfig(**{**_WIDE, "head_dim": 8}),
    "glm": lambda: transformers.GlmConfig(**_WIDE),
    "glm4": lambda: transformers.Glm4Config(**_WIDE),
    "vaultgemma": lambda: transformers.VaultGemmaConfig(
        **_WIDE, query_pre_attn_scalar=5, sliding_window=WINDOW, attn_logit_softcapping=2.0,
        final_logit_softcapping=3.0),
    "granite4": lambda: transformers.GraniteMoeHybridConfig(
        **_SIZES, shared_intermediate_size=40, num_local_experts=0, num_experts_per_tok=0, mamba_n_heads=8,
        layer_types=["full_attention"] * 2, position_embedding_type="rope", embedding_multiplier=3.0,
        residual_multiplier=0.3, attention_multiplier=0.5, logits_scaling=4.0),
    "granite4-unplaced": lambda: transformers.GraniteMoeHybridConfig(
        **_SIZES, shared_intermediate_size=40, num_local_experts=0, num_experts_per_tok=0, mamba_n_heads=8,
        layer_types=["full_attention"] * 2),
    "olmo2": lambda: transformers.Olmo2Config(**_SIZES),
    "olmo3": lambda: transformers.Olmo3Config(
        **_SIZES, sliding_window=WINDOW, layer_types=_TYPES, rope_parameters=_olmo3_rope()),
    "olmo3-one-angle": lambda: transformers.Olmo3Config(  # flat, beside which transformers writes each type's
        **_SIZES, sliding_window=WINDOW, layer_types=_TYPES, rope_parameters=_yarn()),
}  # fmt: skip


def tiny_dense(family: str, dtype: torch.dtype = torch.float32) -> LoadedModel:
    """A model of the family in memory, frozen; the same weights every time."""
    return loaded(transformers.AutoModelForCausalLM.from_config(DENSE[family]()), dtype)


def loaded(model: Any, dtype: torch.dtype = torch.float32) -> LoadedModel:
    generator = torch.Generator().manual_seed(0)
    offset = 0.0 if "Gemma" in type(model).__name__ else 1.0
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if parameter.dim() > 1:
                parameter.copy_(0.15 * noise)
            else:
                parameter.copy_(0.3 * noise + (offset if "norm" in name else 0.0))
    model.to(dtype)
    make_ready(model)
    nothing: Any = None
    return LoadedModel(
        model,
        nothing,
        ModelFiles("tiny", None, Path(), "folder"),
        "none",
        torch.device("cpu"),
        {},
        0,
        [],
        None,
    )
