"""NF4 quantization by bitsandbytes (Dettmers et al. 2023, QLoRA), without its surprises."""

from typing import Any

import torch
from transformers import BitsAndBytesConfig  # it imports bitsandbytes, so it comes second

from services.worker.models.quantized.own_kernels import bitsandbytes


def quantization_config(compute_dtype: torch.dtype) -> BitsAndBytesConfig:
    """NF4 with double quantization; linear layers compute in `compute_dtype`."""
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=compute_dtype,
    )


def keep_weights_trainable_through(model: torch.nn.Module) -> int:
    """Turn off the CPU's inference-only weight layout in every 4-bit layer; returns how many there are.

    On CPUs with AVX512-BF16 an evaluation repacks each weight in place, after which gradients no longer flow
    to adapters below it and training goes on without learning.
    """
    layers = [module for module in model.modules() if isinstance(module, bitsandbytes.nn.Linear4bit)]
    for layer in layers:
        layer.support_avx512bf16_for_cpu = False
    return len(layers)


def quantize_operation() -> Any:
    """The class whose `convert` quantizes one weight while transformers loads; where the time is measured."""
    from transformers.integrations.bitsandbytes import Bnb4bitQuantize

    return Bnb4bitQuantize
