"""AdamW over the adapter, its state in 32 or 8 bits, and that state as tensors by name."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from services.worker.models.quantized.own_kernels import bitsandbytes
from shared.schemas.hyperparameters import OptimizerName

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


def reserve_state(optimizer: torch.optim.Optimizer, parameters: Mapping[str, nn.Parameter]) -> None:
    """Make the state that the first step would make, where there is none yet: a step that fits into the
    memory before it exists need not fit after.
    """
    eight_bit: Any = optimizer
    for index, parameter in enumerate(parameters.values()):
        if optimizer.state[parameter]:
            continue
        if isinstance(optimizer, torch.optim.AdamW):
            optimizer.state[parameter] = {
                "step": torch.tensor(0.0),  # on the CPU, wherever the parameters are
                "exp_avg": torch.zeros_like(parameter, memory_format=torch.preserve_format),
                "exp_avg_sq": torch.zeros_like(parameter, memory_format=torch.preserve_format),
            }
        else:
            eight_bit.init_state(optimizer.param_groups[0], parameter, 0, index)


@contextmanager
def all_or_nothing(
    optimizer: torch.optim.Optimizer, parameters: Mapping[str, nn.Parameter]
) -> Iterator[None]:
    """An update that breaks off within leaves the parameters and the state as they were.

    Copies of both are made before: three times the adapter, when the activations' memory is free again.
    """
    before = [
        (tensor, tensor.detach().clone())
        for parameter in parameters.values()
        for tensor in (parameter, *_tensors(optimizer.state[parameter]).values())
    ]
    numbers = {
        parameter: {name: value for name, value in state.items() if not isinstance(value, Tensor)}
        for parameter, state in optimizer.state.items()
    }
    try:
        yield
    except BaseException:
        with torch.no_grad():
            for tensor, copied in before:
                tensor.copy_(copied)
        for parameter, state in numbers.items():
            optimizer.state[parameter].update(state)
        raise


def _tensors(state: Mapping[str, Any]) -> dict[str, Tensor]:
    return {name: value for name, value in state.items() if isinstance(value, Tensor) and name not in TABLES}
