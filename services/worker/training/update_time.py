"""How long an update of an adapter takes, tried before the first step."""

import time
from collections.abc import Mapping

import torch
from torch import nn

from services.worker.training.optimizer import all_or_nothing, make_optimizer
from shared.schemas.hyperparameters import OptimizerName

UPDATES_TIMED = 3


def update_seconds(
    parameters: Mapping[str, nn.Parameter], device: torch.device, name: OptimizerName = "adamw"
) -> float:
    """Of an update with gradients of 0 and a learning rate of 0, once the moments are there: the weights stay
    what they are, and no gradient is left.
    """
    optimizer, took = make_optimizer(parameters, name), list[float]()
    for parameter in parameters.values():
        parameter.grad = torch.zeros_like(parameter)
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
