"""Model folders to measure families with: the shapes of published small models, weights random.

`python -m bench.family_weights FOLDER NAME TOKENIZER_FOLDER` makes one of `SHAPES` with the tokenizer of
another model, whose ids must be fewer. `bench train --model FOLDER` takes it.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

from services.worker.models.quantized import nf4  # noqa: F401  # lets bitsandbytes in, before others import it

_LLAMA3_ROPE = {
    "rope_type": "llama3", "rope_theta": 1e6, "factor": 16.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}  # fmt: skip
_GEMMA3_270M = {
    "hidden_size": 640, "intermediate_size": 2048, "num_hidden_layers": 18, "num_attention_heads": 4,
    "num_key_value_heads": 1, "head_dim": 256, "vocab_size": 262_144, "sliding_window": 512,
    "query_pre_attn_scalar": 256, "max_position_embeddings": 32_768,
}  # fmt: skip
_OF_SMOLLM2_135M = {
    "hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30, "num_attention_heads": 9,
    "num_key_value_heads": 3, "head_dim": 64, "vocab_size": 49_152, "max_position_embeddings": 8192,
}  # fmt: skip

# The published models' config.json; of SmolLM2's size there is a Llama and a Qwen 3.
SHAPES: Mapping[str, dict[str, Any]] = {
    "llama-135m": {"model_type": "llama", **_OF_SMOLLM2_135M},
    "qwen3-135m": {"model_type": "qwen3", **_OF_SMOLLM2_135M},
    "qwen2.5-0.5b": {
        "model_type": "qwen2", "hidden_size": 896, "intermediate_size": 4864, "num_hidden_layers": 24,
        "num_attention_heads": 14, "num_key_value_heads": 2, "vocab_size": 151_936, "rope_theta": 1e6,
        "max_position_embeddings": 32_768,
    },
    "qwen3-0.6b": {
        "model_type": "qwen3", "hidden_size": 1024, "intermediate_size": 3072, "num_hidden_layers": 28,
        "num_attention_heads": 16, "num_key_value_heads": 8, "head_dim": 128, "vocab_size": 151_936,
        "rope_theta": 1e6, "max_position_embeddings": 40_960,
    },
    "gemma-3-270m": {"model_type": "gemma3_text", **_GEMMA3_270M},
    "gemma-3-1b": {
        "model_type": "gemma3_text", **_GEMMA3_270M, "hidden_size": 1152, "intermediate_size": 6912,
        "num_hidden_layers": 26,
    },
    "exaone-4.0-1.2b": {
        "model_type": "exaone4", "hidden_size": 2048, "intermediate_size": 4096, "num_hidden_layers": 30,
        "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 64, "vocab_size": 102_400,
        "sliding_window": None, "layer_types": ["full_attention"] * 30, "rope_parameters": _LLAMA3_ROPE,
        "max_position_embeddings": 65_536,
    },
}  # fmt: skip


def make_family(folder: Path, name: str, tokenizer: Path, **smaller: Any) -> Path:
    """Write a bf16 checkpoint with tied heads; `smaller` replaces sizes. What is there already is kept."""
    if (folder / "model.safetensors").is_file():
        return folder
    shape = {**SHAPES[name], "tie_word_embeddings": True, **smaller}
    config = AutoConfig.for_model(shape.pop("model_type"), **shape)
    words = AutoTokenizer.from_pretrained(tokenizer)
    if len(words) > config.vocab_size:
        raise ValueError(f"The tokenizer has {len(words)} ids, {name} has {config.vocab_size}.")
    config.bos_token_id, config.eos_token_id = words.bos_token_id, words.eos_token_id
    config.pad_token_id = words.pad_token_id
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    model.save_pretrained(folder, max_shard_size="100GB")
    words.save_pretrained(folder)
    return folder


if __name__ == "__main__":
    make_family(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
