"""Tiny checkpoints of the dense families that fit on a small card.

Each config.json has the published fields, of which transformers converts the older ones, and small sizes.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel

from tests.worker.text.families import FAMILIES as TEMPLATES
from tests.worker.text.families import Family, tokenizer_of

SEPARATE = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
FUSED = ("qkv_proj", "o_proj", "gate_up_proj", "down_proj")
_SIZES = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4,
          "num_key_value_heads": 2, "torch_dtype": "bfloat16", "use_cache": True}  # fmt: skip
_TOKENS = {"vocab_size": 512, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
_LLAMA3_ROPE = {"factor": 8.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0,
                "original_max_position_embeddings": 64, "rope_type": "llama3"}  # fmt: skip


@dataclass(frozen=True)
class Dense:
    """`fields` are those of config.json beside the sizes; `template` names one of `text/families.py`.

    `layers` are the names that LoRA has for the linear layers; `such_as` are models of the
    family, and `tokenizer_class` is what the tokenizer_config.json of these names.
    """

    model_class: str
    such_as: str
    fields: Mapping[str, Any]
    template: str
    tokenizer_class: str = "PreTrainedTokenizerFast"
    layers: tuple[str, ...] = SEPARATE


def _longrope(half: int) -> dict[str, Any]:
    long, short = [1.0 + 0.5 * place for place in range(half)], [1.0 + 0.1 * place for place in range(half)]
    return {"long_factor": long, "short_factor": short, "type": "longrope"}


_GEMMA = {"attention_bias": False, "attention_dropout": 0.0, "head_dim": 32,
          "hidden_activation": "gelu_pytorch_tanh", "query_pre_attn_scalar": 32,
          "rms_norm_eps": 1e-6}  # fmt: skip
_PHI_3 = {"auto_map": {"AutoConfig": "configuration_phi3.Phi3Config",
                       "AutoModelForCausalLM": "modeling_phi3.Phi3ForCausalLM"},
          "attention_bias": False, "embd_pdrop": 0.0, "resid_pdrop": 0.0, "hidden_act": "silu",
          "original_max_position_embeddings": 128, "rms_norm_eps": 1e-5,
          "rope_theta": 10000.0}  # fmt: skip
_EXAONE_4 = {"attention_dropout": 0.0, "head_dim": 16, "hidden_act": "silu", "max_position_embeddings": 65536,
             "rms_norm_eps": 1e-5, "rope_scaling": {**_LLAMA3_ROPE, "factor": 16.0},
             "rope_theta": 1000000}  # fmt: skip

DENSE: dict[str, Dense] = {
    "Llama 2": Dense(
        "LlamaForCausalLM",
        "Llama-2-7b-chat",
        {"model_type": "llama", "hidden_act": "silu", "max_position_embeddings": 4096, "pretraining_tp": 1,
         "num_key_value_heads": 4, "rms_norm_eps": 1e-5, "rope_scaling": None, "tie_word_embeddings": False},
        "Llama 2", "LlamaTokenizer",
    ),
    "Llama 3.2": Dense(
        "LlamaForCausalLM",
        "Llama-3.1-8B-Instruct, Llama-3.2-1B-Instruct",
        {"model_type": "llama", "attention_bias": False, "mlp_bias": False, "head_dim": 16,
         "hidden_act": "silu", "max_position_embeddings": 131072, "pretraining_tp": 1, "rms_norm_eps": 1e-5,
         "rope_scaling": _LLAMA3_ROPE, "rope_theta": 500000.0, "tie_word_embeddings": True},
        "Llama 3.x",
    ),
    "SmolLM2": Dense(
        "LlamaForCausalLM",
        "SmolLM2-135M-Instruct to 1.7B",
        {"model_type": "llama", "attention_bias": False, "is_llama_config": True, "hidden_act": "silu",
         "max_position_embeddings": 8192, "mlp_bias": False, "pretraining_tp": 1, "rms_norm_eps": 1e-5,
         "rope_interleaved": False, "rope_scaling": None, "rope_theta": 100000, "tie_word_embeddings": True,
         "transformers.js_config": {"kv_cache_dtype": {"fp16": "float16"}}},
        "ChatML", "GPT2Tokenizer",
    ),
    "SmolLM3": Dense(
        "SmolLM3ForCausalLM",
        "SmolLM3-3B",
        {"model_type": "smollm3", "num_hidden_layers": 4, "attention_bias": False, "hidden_act": "silu",
         "layer_types": ["full_attention"] * 4, "max_position_embeddings": 65536, "max_window_layers": 28,
         "mlp_bias": False, "no_rope_layer_interval": 4, "no_rope_layers": [1, 1, 1, 0],
         "pretraining_tp": 2, "rms_norm_eps": 1e-6, "rope_scaling": None, "rope_theta": 5000000.0,
         "sliding_window": None, "use_sliding_window": False},
        "SmolLM3",
    ),
    "Mistral": Dense(
        "MistralForCausalLM",
        "Mistral-7B-Instruct-v0.1 to v0.3",
        {"model_type": "mistral", "hidden_act": "silu", "max_position_embeddings": 32768,
         "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "sliding_window": 16, "tie_word_embeddings": False},
        "Mistral 7B", "LlamaTokenizer",
    ),
    "Mistral Nemo": Dense(
        "MistralForCausalLM",
        "Mistral-Nemo-Instruct, Ministral-8B",
        {"model_type": "mistral", "head_dim": 32, "hidden_act": "silu", "max_position_embeddings": 131072,
         "rms_norm_eps": 1e-5, "rope_theta": 1000000.0, "sliding_window": None, "tie_word_embeddings": False},
        "Mistral Nemo",
    ),
    "Qwen2.5": Dense(
        "Qwen2ForCausalLM",
        "Qwen2.5-0.5B-Instruct to 7B, Qwen2",
        {"model_type": "qwen2", "attention_dropout": 0.0, "hidden_act": "silu",
         "max_position_embeddings": 32768, "max_window_layers": 21, "rms_norm_eps": 1e-6,
         "rope_theta": 1000000.0, "sliding_window": 32768, "tie_word_embeddings": True,
         "use_sliding_window": False},
        "Qwen2.5", "Qwen2Tokenizer",
    ),
    "Qwen3": Dense(
        "Qwen3ForCausalLM",
        "Qwen3-0.6B to 8B",
        {"model_type": "qwen3", "attention_bias": False, "attention_dropout": 0.0, "head_dim": 32,
         "hidden_act": "silu", "max_position_embeddings": 40960, "max_window_layers": 28,
         "rms_norm_eps": 1e-6, "rope_scaling": None, "rope_theta": 1000000, "sliding_window": None,
         "tie_word_embeddings": True, "use_sliding_window": False},
        "Qwen3", "Qwen2Tokenizer",
    ),
    "Gemma 2": Dense(
        "Gemma2ForCausalLM",
        "gemma-2-2b-it, gemma-2-9b-it",
        {"model_type": "gemma2", **_GEMMA, "attn_logit_softcapping": 50.0, "cache_implementation": "hybrid",
         "final_logit_softcapping": 30.0, "hidden_act": "gelu_pytorch_tanh", "max_position_embeddings": 8192,
         "rope_theta": 10000.0, "sliding_window": 16, "sliding_window_size": 16},
        "Gemma", "GemmaTokenizer",
    ),
    "Gemma 3": Dense(
        "Gemma3ForCausalLM",
        "gemma-3-270m-it, gemma-3-1b-it",
        {"model_type": "gemma3_text", **_GEMMA, "num_hidden_layers": 6, "num_key_value_heads": 1,
         "attn_logit_softcapping": None, "cache_implementation": "hybrid", "final_logit_softcapping": None,
         "max_position_embeddings": 32768, "rope_local_base_freq": 10000, "rope_scaling": None,
         "rope_theta": 1000000, "sliding_window": 16, "sliding_window_pattern": 6},
        "Gemma 3", "GemmaTokenizer",
    ),
    "Phi-3 4k": Dense(
        "Phi3ForCausalLM",
        "Phi-3-mini-4k-instruct",
        {"model_type": "phi3", **_PHI_3, "num_key_value_heads": 4, "max_position_embeddings": 128,
         "rope_scaling": None, "sliding_window": 47, "tie_word_embeddings": False},
        "Phi-3", "LlamaTokenizer", FUSED,
    ),
    "Phi-3 128k": Dense(
        "Phi3ForCausalLM",
        "Phi-3-mini-128k-instruct, Phi-3.5-mini-instruct",
        {"model_type": "phi3", **_PHI_3, "num_key_value_heads": 4, "max_position_embeddings": 4096,
         "rope_scaling": _longrope(8), "sliding_window": 4096, "tie_word_embeddings": False},
        "Phi-3", "LlamaTokenizer", FUSED,
    ),
    "Phi-4-mini": Dense(
        "Phi3ForCausalLM",
        "Phi-4-mini-instruct",
        {"model_type": "phi3", **_PHI_3, "full_attn_mod": 1, "interpolate_factor": 1, "lm_head_bias": False,
         "max_position_embeddings": 4096, "mlp_bias": False, "partial_rotary_factor": 0.75,
         "rope_scaling": _longrope(6), "sliding_window": 8192, "tie_word_embeddings": True},
        "Phi-4-mini", "GPT2Tokenizer", FUSED,
    ),
    "EXAONE-4.0 1.2B": Dense(
        "Exaone4ForCausalLM",
        "EXAONE-4.0-1.2B",
        {"model_type": "exaone4", **_EXAONE_4, "layer_types": ["full_attention"] * 2, "sliding_window": None,
         "sliding_window_pattern": None, "tie_word_embeddings": True},
        "EXAONE-4", "GPT2Tokenizer",
    ),
    "EXAONE-4.0 32B": Dense(
        "Exaone4ForCausalLM",
        "EXAONE-4.0-32B",
        {"model_type": "exaone4", **_EXAONE_4, "num_hidden_layers": 5, "sliding_window": 16,
         "layer_types": [*["sliding_attention"] * 3, *["full_attention"] * 2],
         "sliding_window_pattern": "LLLG", "tie_word_embeddings": False},
        "EXAONE-4", "GPT2Tokenizer",
    ),
    "Granite 3.3": Dense(
        "GraniteForCausalLM",
        "granite-3.3-2b-instruct, granite-3.1-2b-instruct",
        {"model_type": "granite", "attention_bias": False, "attention_dropout": 0.0,
         "attention_multiplier": 0.0625, "embedding_multiplier": 12.0, "hidden_act": "silu",
         "logits_scaling": 8.0, "max_position_embeddings": 131072, "mlp_bias": False, "rms_norm_eps": 1e-5,
         "residual_multiplier": 0.22, "rope_scaling": None, "rope_theta": 10000000.0,
         "tie_word_embeddings": True},
        "Granite", "GPT2Tokenizer",
    ),
    "OLMo-2": Dense(
        "Olmo2ForCausalLM",
        "OLMo-2-0425-1B-Instruct, OLMo-2-1124-7B-Instruct",
        {"model_type": "olmo2", "attention_bias": False, "attention_dropout": 0.0, "hidden_act": "silu",
         "max_position_embeddings": 4096, "num_key_value_heads": 4, "rms_norm_eps": 1e-6,
         "rope_scaling": None, "rope_theta": 500000, "tie_word_embeddings": False},
        "OLMo-2", "GPT2Tokenizer",
    ),
}  # fmt: skip


def config_of(name: str) -> dict[str, Any]:
    """What the family's tiny config.json says, with numbers of no tokenizer's tokens."""
    return {"architectures": [DENSE[name].model_class], **_TOKENS, **_SIZES, **DENSE[name].fields}


def template_of(name: str) -> Family:
    """The family's chat template, with what its tokenizer is like."""
    return next(family for family in TEMPLATES if family.name == DENSE[name].template)


def make_dense(folder: Path, name: str) -> Path:
    """Write the family's checkpoint: its config.json, random weights in bf16, and its kind of tokenizer."""
    family = DENSE[name]
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = tokenizer_of(template_of(name))
    tokenizer.save_pretrained(folder)
    _rewrite(folder / "tokenizer_config.json", {"tokenizer_class": family.tokenizer_class})
    config = {**config_of(name), "vocab_size": len(tokenizer)}
    config |= {name: getattr(tokenizer, name) for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    write_json(folder / "config.json", config)
    _random_model(folder).save_pretrained(folder)
    write_json(folder / "config.json", config)  # transformers wrote it in its newest form
    return folder


def _random_model(folder: Path) -> PreTrainedModel:
    """With norms and biases that are not what a careless load would put in their place."""
    torch.manual_seed(0)
    model: PreTrainedModel = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(folder))
    with torch.no_grad():
        for parameter in model.parameters():
            noise = torch.randn_like(parameter)
            if parameter.dim() == 1:
                parameter.add_(0.1 * noise)
            else:
                parameter.copy_(0.08 * noise)
    return model.to(torch.bfloat16)


def write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")


def _rewrite(path: Path, fields: Mapping[str, Any]) -> None:
    write_json(path, {**json.loads(path.read_text(encoding="utf-8")), **fields})
