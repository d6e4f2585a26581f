"""Model folders to measure with: the shapes of EXAONE-3.5-2.4B under Llama's names, weights random.

`python -m bench.weights FOLDER DTYPE LAYERS [PICKLE_FOLDER]` makes one; LAYERS 0 means all.
"""

import math
import sys
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, PreTrainedTokenizerFast

VOCABULARY = 102_400
SHAPES_2B4 = {
    "hidden_size": 2560,
    "intermediate_size": 7168,
    "num_hidden_layers": 30,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 80,
    "vocab_size": VOCABULARY,
    "tie_word_embeddings": True,
    "max_position_embeddings": 32_768,
}


def make_model(folder: Path, *, dtype: torch.dtype = torch.bfloat16, layers: int | None = None) -> Path:
    """Write config, a small tokenizer and one safetensors file. What is there already is kept.

    4.81 GB in bfloat16, 9.62 in float32; with `layers`, fewer of them and few words, for a quick try.
    """
    if (folder / "model.safetensors").is_file():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    config = _config(layers)
    config.architectures = ["LlamaForCausalLM"]
    config.dtype = dtype
    config.save_pretrained(folder)
    words = Tokenizer(models.WordLevel({"<unk>": 0, "</s>": 1}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=words, unk_token="<unk>", eos_token="</s>").save_pretrained(
        folder
    )
    torch.manual_seed(0)
    weights = {name: _draw(shape, dtype) for name, shape in _shapes(config)}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def checkpoint_bytes(dtype: torch.dtype, layers: int | None = None) -> int:
    """What the weights of `make_model` take."""
    return sum(math.prod(shape) for _, shape in _shapes(_config(layers))) * dtype.itemsize


def make_pickle(source: Path, folder: Path) -> Path:
    """The same checkpoint as a `.bin` file."""
    from safetensors.torch import load_file

    if not (folder / "pytorch_model.bin").is_file():
        folder.mkdir(parents=True, exist_ok=True)
        for file in source.iterdir():
            if file.suffix == ".json":
                (folder / file.name).write_bytes(file.read_bytes())
        torch.save(load_file(source / "model.safetensors"), folder / "pytorch_model.bin")
    return folder


def _config(layers: int | None) -> LlamaConfig:
    return LlamaConfig(**SHAPES_2B4 | ({"num_hidden_layers": layers, "vocab_size": 4096} if layers else {}))


def _shapes(config: LlamaConfig) -> Iterator[tuple[str, tuple[int, ...]]]:
    hidden, inner = config.hidden_size, config.intermediate_size
    heads, kv_heads = (
        config.num_attention_heads * config.head_dim,
        config.num_key_value_heads * config.head_dim,
    )
    yield "model.embed_tokens.weight", (config.vocab_size, hidden)
    for layer in range(config.num_hidden_layers):
        prefix = f"model.layers.{layer}"
        yield f"{prefix}.self_attn.q_proj.weight", (heads, hidden)
        yield f"{prefix}.self_attn.k_proj.weight", (kv_heads, hidden)
        yield f"{prefix}.self_attn.v_proj.weight", (kv_heads, hidden)
        yield f"{prefix}.self_attn.o_proj.weight", (hidden, heads)
        yield f"{prefix}.mlp.gate_proj.weight", (inner, hidden)
        yield f"{prefix}.mlp.up_proj.weight", (inner, hidden)
        yield f"{prefix}.mlp.down_proj.weight", (hidden, inner)
        yield f"{prefix}.input_layernorm.weight", (hidden,)
        yield f"{prefix}.post_attention_layernorm.weight", (hidden,)
    yield "model.norm.weight", (hidden,)


def _draw(shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
    device = "cuda" if torch.cuda.is_available() else "cpu"  # a minute sooner
    return torch.empty(shape, dtype=dtype, device=device).normal_(std=0.02).cpu()


if __name__ == "__main__":
    made = make_model(Path(sys.argv[1]), dtype=getattr(torch, sys.argv[2]), layers=int(sys.argv[3]) or None)
    for pickle_folder in sys.argv[4:]:
        make_pickle(made, Path(pickle_folder))
