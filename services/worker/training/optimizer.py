"""AdamW over the adapter, its state in 32 or 8 bits, and that state as tensors by name."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from services.worker.models.quantized.own_kernels import bitsandbytes
from shared.schemas import OptimizerName

# Of 8-bit states: constant tables, which every state of one optimizer shares.
TABLES = ("qmap1", "qmap2")


def make_optimizer(
    parameters: Mapping[str, nn.Parameter], name: OptimizerName = "adamw"
) -> torch.optim.Optimizer:
    """Loshchilov & Hutter 2019 with transformers' defaults; the learning rate is set before each step.

    `adamw_8bit` is that of bitsandbytes (Dettmers et al. 2022): states of 4,096 numbers or more in blocks of
    256 with 8 bits each, smaller ones in 32 bits. Its paged form computes the same.
    """
    weights = list(parameters.values())
    if name == "adamw_8bit":
        eight: torch.optim.Optimizer = bitsandbytes.optim.AdamW8bit(
            weights, lr=0.0, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0
        )
        return eight
    return torch.optim.AdamW(weights, lr=0.0, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0)


def optimizer_state(
    optimizer: torch.optim.Optimizer, parameters: Mapping[str, nn.Parameter]
) -> dict[str, Tensor]:
    """`<quantity>:<parameter>` -> tensor on the CPU; empty before the first step."""
    return {
        f"{quantity}:{name}": torch.as_tensor(value).detach().to("cpu").contiguous()
        for name, parameter in parameters.items()
        for quantity, value in optimizer.state.get(parameter, {}).items()
        if quantity not in TABLES
    }


def set_optimizer_state(
    optimizer: torch.optim.Optimizer, parameters: Mapping[str, nn.Parameter], tensors: Mapping[str, Tensor]
) -> None:
    """What `optimizer_state` gave, back into a fresh optimizer over the same parameters."""
    is_adamw = isinstance(optimizer, torch.optim.AdamW)
    eight_bit: Any = optimizer
    index_of = {name: index for index, name in enumerate(parameters)}
    for label, tensor in tensors.items():
        quantity, _, name = label.partition(":")
        parameter = parameters[name]
        if not is_adamw and not optimizer.state[parameter]:  # its tables and buffers
            eight_bit.init_state(optimizer.param_groups[0], parameter, 0, index_of[name])
        if quantity == "step":
            # AdamW keeps its step counts on the CPU, wherever the parameters are; in 8 bits they are ints.
            step = tensor.to("cpu", copy=True)
            optimizer.state[parameter][quantity] = step if is_adamw else int(step)
        else:
            optimizer.state[parameter][quantity] = tensor.to(parameter.device, copy=True)
