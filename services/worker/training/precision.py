"""The arithmetic a base model computes in."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from transformers import PreTrainedModel


def autocast(model: PreTrainedModel, device: torch.device) -> AbstractContextManager[Any]:
    """bf16 arithmetic over fp32 adapter weights where the base is bf16 (or quantized from it); else plain
    fp32.
    """
    dtype = model.get_input_embeddings().weight.dtype
    return nullcontext() if dtype == torch.float32 else torch.autocast(device.type, dtype=dtype)
