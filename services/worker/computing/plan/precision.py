"""The arithmetic a base model computes in."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import Tensor
from transformers import LlamaForCausalLM, PreTrainedModel

BF16_SINCE = (8, 0)  # `torch.cuda.is_bf16_supported()` counts emulation as support


def autocast(model: PreTrainedModel, device: torch.device) -> AbstractContextManager[Any]:
    """bf16 arithmetic over fp32 adapter weights where the base is bf16 (or quantized from it); else plain
    fp32.
    """
    dtype = model.get_input_embeddings().weight.dtype
    return nullcontext() if dtype == torch.float32 else torch.autocast(device.type, dtype=dtype)


def inputs(model: PreTrainedModel, ids: Tensor) -> dict[str, Tensor]:
    """What `model`'s forward is to take for token `ids`: for a Llama the embeddings in fp32.

    Then its residual stream is fp32 from the first layer to the last norm, as PEFT's
    `prepare_model_for_kbit_training` has it by keeping embedding and norms in fp32, but without their memory
    (1 GB of EXAONE-3.5-2.4B). In bf16 every layer's update is rounded to what is left of 8 bits beside a
    large stream: SmolLM2's loss on chat rows comes out 0.8 % off.
    """
    if isinstance(model, LlamaForCausalLM):
        return {"inputs_embeds": model.get_input_embeddings()(ids).float()}
    return {"input_ids": ids}


def note_on_bf16(compute_capability: tuple[int, int]) -> str | None:
    """The compute capability (`7.5`) of a card whose generation has no bf16 arithmetic, else None.

    It is bf16 all the same: of fp16's narrow range gradients fall out unless the loss is scaled and the scale
    watched, which is another curve wherever a step is skipped.
    """
    if compute_capability >= BF16_SINCE:
        return None
    major, minor = compute_capability
    return f"{major}.{minor}"
