"""Tiny checkpoints of many families of transformers, with a byte-level tokenizer beside them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import PreTrainedConfig

from tests.tiny_models import make_tiny_llama

ROWS = 512
_LLAMA = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
          "num_key_value_heads": 2, "max_position_embeddings": 128}  # fmt: skip
_NEWER = {**_LLAMA, "head_dim": 8}
_VISION = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
           "image_size": 28, "patch_size": 14}  # fmt: skip


def _text(kind: str, **sizes: Any) -> dict[str, Any]:
    return {
        "model_type": kind,
        "vocab_size": ROWS,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "pad_token_id": 0,
        **sizes,
    }


FAMILIES: dict[str, Callable[[], PreTrainedConfig]] = {
    "gpt2": lambda: transformers.GPT2Config(vocab_size=ROWS, n_embd=32, n_layer=2, n_head=4, n_positions=64,
                                            bos_token_id=1, eos_token_id=2),
    "opt": lambda: transformers.OPTConfig(vocab_size=ROWS, hidden_size=32, ffn_dim=64, num_hidden_layers=2,
                                          num_attention_heads=4, max_position_embeddings=64,
                                          word_embed_proj_dim=32),
    "gpt_neo": lambda: transformers.GPTNeoConfig(vocab_size=ROWS, hidden_size=32, num_layers=2, num_heads=4,
                                                 attention_types=[[["global", "local"], 1]], window_size=16,
                                                 max_position_embeddings=64),
    "gptj": lambda: transformers.GPTJConfig(vocab_size=ROWS, n_embd=32, n_layer=2, n_head=4, n_positions=64,
                                            rotary_dim=4),
    "falcon": lambda: transformers.FalconConfig(vocab_size=ROWS, hidden_size=32, num_hidden_layers=2,
                                                num_attention_heads=4),
    "bloom": lambda: transformers.BloomConfig(vocab_size=ROWS, hidden_size=32, n_layer=2, n_head=4),
    "falcon_h1": lambda: transformers.FalconH1Config(vocab_size=ROWS, mamba_d_ssm=64, mamba_n_heads=4,
                                                     mamba_d_head=16, mamba_d_state=16, mamba_n_groups=1,
                                                     **_NEWER),
    "mpt": lambda: transformers.MptConfig(vocab_size=ROWS, d_model=32, n_heads=4, n_layers=2, max_seq_len=64),
    "mixtral": lambda: transformers.MixtralConfig(vocab_size=ROWS, num_local_experts=4, **_LLAMA),
    "phimoe": lambda: transformers.PhimoeConfig(vocab_size=ROWS, num_local_experts=4, bos_token_id=1,
                                                eos_token_id=2, **_LLAMA),
    "gemma3": lambda: transformers.Gemma3Config(
        text_config={**_text("gemma3_text", **_NEWER), "query_pre_attn_scalar": 8},
        vision_config=_VISION, mm_tokens_per_image=4, image_token_index=500, boi_token_index=501,
        eoi_token_index=502),
    "qwen2_vl": lambda: transformers.Qwen2VLConfig(
        text_config={**_text("qwen2_vl_text", **_LLAMA),
                     "rope_parameters": {"rope_type": "default", "rope_theta": 1e6,
                                         "mrope_section": [2, 1, 1]}},
        vision_config={"embed_dim": 32, "hidden_size": 32, "depth": 1, "num_heads": 2, "patch_size": 14},
        image_token_id=500, video_token_id=501, vision_start_token_id=502, vision_end_token_id=503),
    "paligemma": lambda: transformers.PaliGemmaConfig(
        text_config=_text("gemma", **_NEWER), vision_config={"model_type": "siglip_vision_model", **_VISION},
        image_token_index=500, projection_dim=32),
    "llava": lambda: transformers.LlavaConfig(
        text_config=_text("llama", **_LLAMA), vision_config={"model_type": "clip_vision_model", **_VISION},
        image_token_index=500),
    "mistral3": lambda: transformers.Mistral3Config(
        text_config=_text("mistral", **_NEWER),
        vision_config={"model_type": "pixtral", **_VISION}, image_token_index=500),
}  # fmt: skip


def make_family(folder: Path, family: str) -> Path:
    """Write a checkpoint of the family, of the class that transformers has for it, and a tokenizer."""
    make_tiny_llama(folder)
    for name in ("model.safetensors", "config.json"):
        (folder / name).unlink()
    config = FAMILIES[family]()
    auto = (
        transformers.AutoModelForCausalLM
        if type(config) in transformers.AutoModelForCausalLM._model_mapping
        else transformers.AutoModelForImageTextToText
    )
    torch.manual_seed(0)
    auto.from_config(config).save_pretrained(folder)
    return folder
