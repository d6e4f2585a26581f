"""Keeps the gradient of every optimizer step of this process in a file, for comparisons between arms."""

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch.optim.optimizer import register_optimizer_step_pre_hook


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
