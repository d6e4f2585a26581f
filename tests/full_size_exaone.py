"""Writes a checkpoint with EXAONE-3.5-2.4B's shapes, names, dtype and shards, weights random (9.6 GB).

python -m tests.full_size_exaone models/exaone-2.4b-random
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import torch
from safetensors.torch import save_file

from tests.tiny_models import exaone_shapes, make_tiny_exaone

SIZES = {
    "hidden_size": 2560,
    "intermediate_size": 7168,
    "num_layers": 30,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 80,
    "vocab_size": 102_400,
}
FIRST_SHARD_BYTES = 4_980_000_000


def make_full_size_exaone(folder: Path) -> Path:
    """Two F32 shards under the original names; the tokenizer is the tiny one, its ids fit the vocabulary."""
    make_tiny_exaone(folder)
    for old in folder.glob("*.safetensors*"):
        old.unlink()
    config = json.loads((folder / "config.json").read_text()) | SIZES
    (folder / "config.json").write_text(json.dumps(config, indent=1))
    weight_map: dict[str, str] = {}
    for number, shapes in enumerate(_shards(exaone_shapes(config)), start=1):
        name = f"model-{number:05d}-of-00002.safetensors"
        save_file({key: _draw(shape) for key, shape in shapes}, folder / name, metadata={"format": "pt"})
        weight_map |= {key: name for key, _ in shapes}
    index = {"metadata": {"total_size": 4 * 2_405_327_360}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder


Shapes = list[tuple[str, tuple[int, ...]]]


def _shards(shapes: Iterator[tuple[str, tuple[int, ...]]]) -> Iterator[Shapes]:
    shard: Shapes = []
    filled, first = 0, True
    for name, shape in shapes:
        if first and filled + 4 * torch.Size(shape).numel() > FIRST_SHARD_BYTES:
            yield shard
            shard, first = [], False
        filled += 4 * torch.Size(shape).numel()
        shard.append((name, shape))
    yield shard


def _draw(shape: tuple[int, ...]) -> torch.Tensor:
    return torch.ones(shape) if len(shape) == 1 else torch.empty(shape).normal_(std=0.02)


if __name__ == "__main__":
    print(make_full_size_exaone(Path(sys.argv[1])))
