"""How much arithmetic a token of LoRA training is, and how much a device does in a second."""

import time

import torch
from transformers import PretrainedConfig

MATRIX = 4096  # a card is busy with it; a CPU takes a second or two
TRIES = 5


def training_flops_per_token(
    config: PretrainedConfig, *, adapter_parameters: int, target_share: float, mean_tokens: float
) -> float:
    """Of a Llama whose own weights are frozen, without any recomputing.

    Each frozen weight is multiplied twice (forward, gradient of the input), each of the adapter's three
    times; the head only at targets; attention looks at half of the row on average.
    """
    width = config.num_attention_heads * config.head_dim
    narrow = config.num_key_value_heads * config.head_dim
    layer = 2 * config.hidden_size * (width + narrow) + 3 * config.hidden_size * config.intermediate_size
    head = config.vocab_size * config.hidden_size * target_share
    attention = 2 * config.num_hidden_layers * width * mean_tokens / 2
    return 4 * (config.num_hidden_layers * layer + head) + 6 * (adapter_parameters + attention)


def matrix_flops_per_second(device: torch.device, size: int = MATRIX) -> float:
    """The best of a few bf16 products of square matrices."""
    one, other = (torch.randn(size, size, device=device, dtype=torch.bfloat16) for _ in range(2))
    return 2 * size**3 / min(_seconds(one, other, device) for _ in range(TRIES))


def _seconds(one: torch.Tensor, other: torch.Tensor, device: torch.device) -> float:
    _wait_for(device)
    started = time.perf_counter()
    one @ other
    _wait_for(device)
    return time.perf_counter() - started


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
