"""A model's products in fp32, as a training without bf16 and with bitsandbytes' default computes them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from services.worker.models.quantized.own_kernels import bitsandbytes


@contextmanager
def in_fp32(model: PreTrainedModel) -> Iterator[None]:
    """Within it, 4-bit layers dequantize to fp32 and multiply in it, and what runs between them is fp32.

    Autocast must be off. Weights stay as they are: PEFT's preparation keeps embedding, norms and head in fp32
    as well, which costs memory but hardly any time.
    """
    layers = [layer for layer in model.modules() if isinstance(layer, bitsandbytes.nn.Linear4bit)]
    before = [layer.compute_dtype for layer in layers]
    head, embedding = model.get_output_embeddings(), model.get_input_embeddings()
    hooks = [embedding.register_forward_hook(_wide)]
    if isinstance(head, nn.Module):
        hooks.append(head.register_forward_pre_hook(_as_its_weight))
    for layer in layers:
        layer.compute_dtype = torch.float32
    try:
        yield
    finally:
        for layer, dtype in zip(layers, before, strict=True):
            layer.compute_dtype = dtype
        for hook in hooks:
            hook.remove()


def _wide(embedding: nn.Module, taken: tuple[Any, ...], given: Tensor) -> Tensor:
    return given.float()


def _as_its_weight(head: nn.Module, taken: tuple[Any, ...]) -> tuple[Any, ...]:
    dtype = next(head.parameters()).dtype
    return tuple(value.to(dtype) if torch.is_tensor(value) else value for value in taken)
