"""Tiny checkpoints for tests: a Llama, and an EXAONE-3.5 with its original names; a seed decides them.

They are written by hand (json, tokenizers, safetensors), not by the code under test nor by transformers.
"""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors.torch import save_file
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

WeightsForm = Literal["safetensors", "bin"]

CHATML_TEMPLATE = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] "
    "+ '<|im_end|>' + '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
EXAONE_TEMPLATE = (
    "{% for message in messages %}{% if loop.first and message['role'] != 'system' %}"
    "{{ '[|system|][|endofturn|]\n' }}{% endif %}{{ '[|' + message['role'] + '|]' + message['content'] }}"
    "{% if message['role'] != 'user' %}{{ '[|endofturn|]' }}{% endif %}{{ '\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '[|assistant|]' }}{% endif %}"
)
CORPUS = (
    "Spam or ham? You won a prize, call now! Free entry to win cash, text YES to 80082.",
    "See you at 7, are you coming home for dinner? I will be late, sorry. Thanks for the message.",
    "축하합니다! 무료 쿠폰에 당첨되셨습니다. 지금 바로 전화하세요. 광고 수신거부 080",
    "오늘 저녁 7시에 만나요. 조금 늦을 것 같아요, 미안해요. 내일 회의는 10시입니다.",
    "Classify the message as spam or ham. The answer is spam. The answer is ham.",
)


def make_tiny_llama(
    folder: Path,
    *,
    seed: int = 0,
    form: WeightsForm = "safetensors",
    dtype: torch.dtype = torch.float32,
    hidden_size: int = 64,
    layers: int = 2,
    shards: int = 1,
    vocab_size: int | None = None,
    chat_template: bool = True,
) -> Path:
    """Write a Llama of about 100k parameters with a ChatML tokenizer (eos `<|im_end|>`).

    A larger `vocab_size` than the tokenizer's makes a large file of which little is quantized.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = _chatml_tokenizer()
    config = _llama_config(vocab_size or tokenizer.get_vocab_size(), hidden_size, layers, dtype)
    _write_json(folder / "config.json", config)
    _write_tokenizer(
        folder,
        tokenizer,
        tokenizer_class="PreTrainedTokenizerFast",
        specials={"bos_token": "<|im_start|>", "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"},
        chat_template=CHATML_TEMPLATE if chat_template else None,
    )
    _write_weights(folder, _random_weights(_llama_shapes(config), seed, dtype), form, shards)
    return folder


def make_tiny_exaone(
    folder: Path,
    *,
    seed: int = 0,
    form: WeightsForm = "safetensors",
    dtype: torch.dtype = torch.float32,
    shards: int = 2,
    tied: bool = True,
    chat_template: bool = True,
) -> Path:
    """Write an EXAONE-3.5 of about 100k parameters: original names, real config layout, `shards` files."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = _exaone_tokenizer()
    config = exaone_config(tokenizer.get_vocab_size(), tied=tied, dtype=dtype)
    _write_json(folder / "config.json", config)
    _write_tokenizer(
        folder,
        tokenizer,
        tokenizer_class="GPT2Tokenizer",
        specials={
            "bos_token": "[BOS]",
            "eos_token": "[|endofturn|]",
            "pad_token": "[PAD]",
            "unk_token": "[UNK]",
        },
        chat_template=EXAONE_TEMPLATE if chat_template else None,
    )
    _write_weights(folder, _random_weights(exaone_shapes(config), seed, dtype), form, shards)
    return folder


def exaone_config(
    vocab_size: int, *, tied: bool = True, dtype: torch.dtype = torch.float32
) -> dict[str, Any]:
    """The fields of EXAONE-3.5's published config.json, with tiny sizes."""
    return {
        "activation_function": "silu",
        "architectures": ["ExaoneForCausalLM"],
        "attention_dropout": 0.0,
        "auto_map": {
            "AutoConfig": "configuration_exaone.ExaoneConfig",
            "AutoModelForCausalLM": "modeling_exaone.ExaoneForCausalLM",
        },
        "bos_token_id": 1,
        "embed_dropout": 0.0,
        "eos_token_id": 3,
        "head_dim": 16,
        "hidden_size": 64,
        "initializer_range": 0.02,
        "intermediate_size": 128,
        "layer_norm_epsilon": 1e-05,
        "max_position_embeddings": 32768,
        "model_type": "exaone",
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "num_layers": 2,
        "pad_token_id": 0,
        "rope_scaling": {
            "factor": 8.0,
            "high_freq_factor": 4.0,
            "low_freq_factor": 1.0,
            "original_max_position_embeddings": 8192,
            "rope_type": "llama3",
        },
        "rope_theta": 1000000,
        "tie_word_embeddings": tied,
        "torch_dtype": _dtype_name(dtype),
        "transformers_version": "4.43.0",
        "use_cache": True,
        "vocab_size": vocab_size,
    }


def _llama_config(vocab_size: int, hidden_size: int, layers: int, dtype: torch.dtype) -> dict[str, Any]:
    return {
        "architectures": ["LlamaForCausalLM"],
        "attention_bias": False,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "head_dim": hidden_size // 4,
        "hidden_act": "silu",
        "hidden_size": hidden_size,
        "intermediate_size": 2 * hidden_size,
        "max_position_embeddings": 2048,
        "mlp_bias": False,
        "model_type": "llama",
        "num_attention_heads": 4,
        "num_hidden_layers": layers,
        "num_key_value_heads": 2,
        "pad_token_id": 0,
        "rms_norm_eps": 1e-05,
        "rope_theta": 10000.0,
        "tie_word_embeddings": True,
        "torch_dtype": _dtype_name(dtype),
        "vocab_size": vocab_size,
    }


@cache
def _chatml_tokenizer() -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return _trained(tokenizer, ["<|endoftext|>", "<|im_start|>", "<|im_end|>"])


@cache
def _exaone_tokenizer() -> Tokenizer:
    """Byte-level BPE with EXAONE's two traits that a careless load drops: NFKC and single digits."""
    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"\d"), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    specials = ["[PAD]", "[BOS]", "[UNK]", "[|endofturn|]", "[|system|]", "[|user|]", "[|assistant|]"]
    return _trained(tokenizer, specials)


def _trained(tokenizer: Tokenizer, specials: list[str]) -> Tokenizer:
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=512,
        special_tokens=specials,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer


def _write_tokenizer(
    folder: Path,
    tokenizer: Tokenizer,
    *,
    tokenizer_class: str,
    specials: dict[str, str],
    chat_template: str | None,
) -> None:
    tokenizer.save(str(folder / "tokenizer.json"))
    config: dict[str, Any] = {
        "tokenizer_class": tokenizer_class,
        "clean_up_tokenization_spaces": False,
        "model_max_length": 2048,
        **specials,
    }
    if chat_template is not None:
        config["chat_template"] = chat_template
    _write_json(folder / "tokenizer_config.json", config)
    if tokenizer_class == "GPT2Tokenizer":
        model = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"]
        _write_json(folder / "vocab.json", model["vocab"])
        merges = "\n".join(" ".join(pair) for pair in model["merges"])
        (folder / "merges.txt").write_text(f"#version: 0.2\n{merges}\n", encoding="utf-8")
        _write_json(folder / "special_tokens_map.json", specials)


def _llama_shapes(config: dict[str, Any]) -> Iterator[tuple[str, tuple[int, ...]]]:
    hidden, inner, vocab = config["hidden_size"], config["intermediate_size"], config["vocab_size"]
    queries = config["num_attention_heads"] * config["head_dim"]
    keys = config["num_key_value_heads"] * config["head_dim"]
    yield "model.embed_tokens.weight", (vocab, hidden)
    for layer in range(config["num_hidden_layers"]):
        at = f"model.layers.{layer}"
        yield f"{at}.input_layernorm.weight", (hidden,)
        yield f"{at}.self_attn.q_proj.weight", (queries, hidden)
        yield f"{at}.self_attn.k_proj.weight", (keys, hidden)
        yield f"{at}.self_attn.v_proj.weight", (keys, hidden)
        yield f"{at}.self_attn.o_proj.weight", (hidden, queries)
        yield f"{at}.post_attention_layernorm.weight", (hidden,)
        yield f"{at}.mlp.gate_proj.weight", (inner, hidden)
        yield f"{at}.mlp.up_proj.weight", (inner, hidden)
        yield f"{at}.mlp.down_proj.weight", (hidden, inner)
    yield "model.norm.weight", (hidden,)


def exaone_shapes(config: dict[str, Any]) -> Iterator[tuple[str, tuple[int, ...]]]:
    hidden, inner, vocab = config["hidden_size"], config["intermediate_size"], config["vocab_size"]
    queries = config["num_attention_heads"] * config["head_dim"]
    keys = config["num_key_value_heads"] * config["head_dim"]
    yield "transformer.wte.weight", (vocab, hidden)
    for layer in range(config["num_layers"]):
        at = f"transformer.h.{layer}"
        yield f"{at}.ln_1.weight", (hidden,)
        yield f"{at}.attn.attention.q_proj.weight", (queries, hidden)
        yield f"{at}.attn.attention.k_proj.weight", (keys, hidden)
        yield f"{at}.attn.attention.v_proj.weight", (keys, hidden)
        yield f"{at}.attn.attention.out_proj.weight", (hidden, queries)
        yield f"{at}.ln_2.weight", (hidden,)
        yield f"{at}.mlp.c_fc_0.weight", (inner, hidden)
        yield f"{at}.mlp.c_fc_1.weight", (inner, hidden)
        yield f"{at}.mlp.c_proj.weight", (hidden, inner)
    yield "transformer.ln_f.weight", (hidden,)
    if not config["tie_word_embeddings"]:
        yield "lm_head.weight", (vocab, hidden)


def _random_weights(
    shapes: Iterator[tuple[str, tuple[int, ...]]], seed: int, dtype: torch.dtype
) -> dict[str, torch.Tensor]:
    """Matrices N(0, 0.08²); norms N(1, 0.1²), so that two swapped norms change the logits."""
    generator = torch.Generator().manual_seed(seed)

    def draw(shape: tuple[int, ...]) -> torch.Tensor:
        noise = torch.randn(shape, generator=generator)
        return (1 + 0.1 * noise if len(shape) == 1 else 0.08 * noise).to(dtype)

    return {name: draw(shape) for name, shape in shapes}


def _write_weights(folder: Path, weights: dict[str, torch.Tensor], form: WeightsForm, shards: int) -> None:
    stem, suffix = ("model", ".safetensors") if form == "safetensors" else ("pytorch_model", ".bin")
    names = list(weights)
    size = -(-len(names) // shards)
    parts = [names[start : start + size] for start in range(0, len(names), size)]
    weight_map: dict[str, str] = {}
    for number, part in enumerate(parts, start=1):
        file = f"{stem}{suffix}" if len(parts) == 1 else f"{stem}-{number:05d}-of-{len(parts):05d}{suffix}"
        tensors = {name: weights[name] for name in part}
        if form == "safetensors":
            save_file(tensors, folder / file, metadata={"format": "pt"})
        else:
            torch.save(tensors, folder / file)
        weight_map |= dict.fromkeys(part, file)
    if len(parts) > 1:
        total = sum(tensor.numel() * tensor.element_size() for tensor in weights.values())
        index = {"metadata": {"total_size": total}, "weight_map": weight_map}
        _write_json(folder / f"{stem}{suffix}.index.json", index)


def _dtype_name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")
