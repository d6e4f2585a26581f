"""Gradients to compare: of one step under one plan, or of every step of this process, each in a file."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim.optimizer import register_optimizer_step_pre_hook

from services.worker.computing.batching import target_count
from services.worker.computing.forward import Forward
from services.worker.text.marked_text import TokenRow


def loss_and_gradient(
    forward: Forward, rows: Sequence[TokenRow], parameters: Mapping[str, nn.Parameter]
) -> tuple[float, Tensor]:
    """One step's mean loss of `rows` and its gradient in fp64, all parameters end to end; it is also left in
    the parameters.
    """
    for parameter in parameters.values():
        parameter.grad = None
    count, total = target_count(rows), 0.0
    for batch in forward.batches(rows):
        share = forward.loss(batch, 1.0 / count)
        share.backward()
        total += float(share.detach())
    forward.step_over()
    gradients = [parameter.grad for parameter in parameters.values() if parameter.grad is not None]
    return total, torch.cat([gradient.flatten() for gradient in gradients]).double()


def keep_gradients(folder: Path, *, first_step: int = 1) -> Any:
    """Each step's, as one vector in the order of the parameters; the handle's `remove` ends it."""
    folder.mkdir(parents=True, exist_ok=True)
    step = first_step

    def keep(optimizer: torch.optim.Optimizer, *_: Any) -> None:
        nonlocal step
        gradients = [
            parameter.grad.detach().float().flatten().cpu()
            for group in optimizer.param_groups
            for parameter in group["params"]
            if parameter.grad is not None
        ]
        save_file({"gradient": torch.cat(gradients)}, gradient_file(folder, step))
        step += 1

    return register_optimizer_step_pre_hook(keep)


def gradient_file(folder: Path, step: int) -> Path:
    return folder / f"{step:05d}.safetensors"
