"""Plain AdamW over the adapter, and its state as tensors by name."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn


def make_optimizer(parameters: Mapping[str, nn.Parameter]) -> torch.optim.AdamW:
    """Loshchilov & Hutter 2019 with transformers' defaults; the learning rate is set before each step."""
    weights = list(parameters.values())
    return torch.optim.AdamW(weights, lr=0.0, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0)


def optimizer_state(
    optimizer: torch.optim.AdamW, parameters: Mapping[str, nn.Parameter]
) -> dict[str, Tensor]:
    """`<quantity>:<parameter>` -> tensor on the CPU; empty before the first step."""
    return {
        f"{quantity}:{name}": value.detach().to("cpu").contiguous()
        for name, parameter in parameters.items()
        for quantity, value in optimizer.state.get(parameter, {}).items()
    }


def set_optimizer_state(
    optimizer: torch.optim.AdamW, parameters: Mapping[str, nn.Parameter], tensors: Mapping[str, Tensor]
) -> None:
    """What `optimizer_state` gave, back into a fresh optimizer over the same parameters."""
    for label, tensor in tensors.items():
        quantity, _, name = label.partition(":")
        parameter = parameters[name]
        # AdamW keeps its step counts on the CPU, whatever device the parameters are on.
        device = "cpu" if quantity == "step" else parameter.device
        optimizer.state[parameter][quantity] = tensor.to(device, copy=True)
