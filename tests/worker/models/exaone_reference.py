"""EXAONE-3.5 a second time, in plain PyTorch with the published names; shares nothing with the service.

Structure: pre-norm decoder, RMSNorm, grouped-query attention with rotary positions (halves rotated, llama3
frequency scaling as in the Llama 3.1 report), SwiGLU, no biases, output head tied to the embedding or not.
"""

import json
import math
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import nn


class RMSNorm(nn.Module):
    def __init__(self, size: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(size))
        self.epsilon = epsilon

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.weight * (x / torch.sqrt((x * x).mean(-1, keepdim=True) + self.epsilon))


class Attention(nn.Module):
    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__()
        self.heads, self.groups = config["num_attention_heads"], config["num_key_value_heads"]
        self.size = config["head_dim"]
        self.frequencies = rotary_frequencies(config)
        hidden = config["hidden_size"]
        self.q_proj = nn.Linear(hidden, self.heads * self.size, bias=False)
        self.k_proj = nn.Linear(hidden, self.groups * self.size, bias=False)
        self.v_proj = nn.Linear(hidden, self.groups * self.size, bias=False)
        self.out_proj = nn.Linear(self.heads * self.size, hidden, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows, length, _ = x.shape
        queries = self.q_proj(x).view(rows, length, self.heads, self.size)
        keys = self.k_proj(x).view(rows, length, self.groups, self.size)
        values = self.v_proj(x).view(rows, length, self.groups, self.size)
        queries, keys = rotate(queries, self.frequencies), rotate(keys, self.frequencies)
        share = self.heads // self.groups
        keys, values = keys.repeat_interleave(share, dim=2), values.repeat_interleave(share, dim=2)
        scores = torch.einsum("bqhd,bkhd->bhqk", queries, keys) / math.sqrt(self.size)
        future = torch.ones(length, length, dtype=torch.bool).triu(1)
        weights = scores.masked_fill(future, -math.inf).softmax(-1)
        return self.out_proj(torch.einsum("bhqk,bkhd->bqhd", weights, values).reshape(rows, length, -1))


class AttentionBlock(nn.Module):
    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__()
        self.attention = Attention(config)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.attention(x)


class Mlp(nn.Module):
    def __init__(self, hidden: int, inner: int) -> None:
        super().__init__()
        self.c_fc_0 = nn.Linear(hidden, inner, bias=False)
        self.c_fc_1 = nn.Linear(hidden, inner, bias=False)
        self.c_proj = nn.Linear(inner, hidden, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        gate = self.c_fc_0(x)
        return self.c_proj(gate * torch.sigmoid(gate) * self.c_fc_1(x))


class Layer(nn.Module):
    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__()
        hidden, epsilon = config["hidden_size"], config["layer_norm_epsilon"]
        self.ln_1 = RMSNorm(hidden, epsilon)
        self.attn = AttentionBlock(config)
        self.ln_2 = RMSNorm(hidden, epsilon)
        self.mlp = Mlp(hidden, config["intermediate_size"])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class Transformer(nn.Module):
    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__()
        self.wte = nn.Embedding(config["vocab_size"], config["hidden_size"])
        self.h = nn.ModuleList(Layer(config) for _ in range(config["num_layers"]))
        self.ln_f = RMSNorm(config["hidden_size"], config["layer_norm_epsilon"])


class ReferenceExaone(nn.Module):
    """ids (rows, length) int64 → logits (rows, length, vocabulary); no padding."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__()
        self.transformer = Transformer(config)
        self.lm_head = nn.Linear(config["hidden_size"], config["vocab_size"], bias=False)
        if config["tie_word_embeddings"]:
            self.lm_head.weight = self.transformer.wte.weight

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        x = self.transformer.wte(ids)
        for layer in self.transformer.h:
            x = layer(x)
        return self.lm_head(self.transformer.ln_f(x))


def rotary_frequencies(config: dict[str, Any]) -> torch.Tensor:
    """Radians a position, (head_dim / 2,); long wavelengths stretched as Llama 3.1 does."""
    size, scaling = config["head_dim"], config["rope_scaling"]
    plain = [config["rope_theta"] ** (-2 * pair / size) for pair in range(size // 2)]
    original = scaling["original_max_position_embeddings"]
    low, high, factor = scaling["low_freq_factor"], scaling["high_freq_factor"], scaling["factor"]

    def stretched(frequency: float) -> float:
        turns = original * frequency / (2 * math.pi)
        smooth = min(1.0, max(0.0, (turns - low) / (high - low)))
        return (1 - smooth) * frequency / factor + smooth * frequency

    return torch.tensor([stretched(frequency) for frequency in plain])


def rotate(x: torch.Tensor, frequencies: torch.Tensor) -> torch.Tensor:
    """Turn the pairs (i, i + size / 2) of x (rows, length, heads, size) by position times frequency."""
    angles = torch.arange(x.shape[1])[:, None, None] * frequencies
    first, second = x.chunk(2, dim=-1)
    return torch.cat(
        (
            first * angles.cos() - second * angles.sin(),
            second * angles.cos() + first * angles.sin(),
        ),
        dim=-1,
    )


def load_reference(folder: Path) -> ReferenceExaone:
    """Read a checkpoint with the original names, strictly, from safetensors or `.bin`."""
    model = ReferenceExaone(json.loads((folder / "config.json").read_text()))
    weights: dict[str, torch.Tensor] = {}
    for file in sorted(folder.glob("*.safetensors")):
        weights |= load_file(file)
    for file in sorted(folder.glob("*.bin")):
        weights |= torch.load(file, weights_only=True)
    if model.lm_head.weight is model.transformer.wte.weight:
        weights["lm_head.weight"] = weights["transformer.wte.weight"]
    model.load_state_dict(weights)
    return model.eval()
