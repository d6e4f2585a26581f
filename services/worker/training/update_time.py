"""How long an update of an adapter takes, tried before the first step."""

import time
from collections.abc import Mapping

import torch
from torch import nn

from services.worker.training.optimizer import all_or_nothing, make_optimizer
from shared.schemas.hyperparameters import OptimizerName

UPDATES_TIMED = 3
GRADIENT = 1e-3  # the size of those that are tried; clipping makes it smaller still


def update_seconds(
    parameters: Mapping[str, nn.Parameter], device: torch.device, name: OptimizerName = "adamw"
) -> float:
    """Of an update with random gradients and a learning rate of 0, once the moments are there: the weights
    stay what they are, no gradient is left, and torch's own generator has drawn nothing.

    Random, since moments of nothing but zeros are rounded to 8 bits in an eighth less time.
    """
    optimizer, took = make_optimizer(parameters, name), list[float]()
    draw = torch.Generator(device).manual_seed(0)
    for parameter in parameters.values():
        parameter.grad = torch.empty_like(parameter).normal_(std=GRADIENT, generator=draw)
    for _ in range(1 + UPDATES_TIMED):
        started = time.perf_counter()
        nn.utils.clip_grad_norm_(parameters.values(), 1.0)
        with all_or_nothing(optimizer, parameters):
            optimizer.step()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        took.append(time.perf_counter() - started)
    optimizer.zero_grad(set_to_none=True)
    return min(took[1:])
