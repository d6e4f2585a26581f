"""What evaluation and saving at the user's cadence would take, foretold from a row and from one saving."""

import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

from shared.reports.training_facts import Between, StepSplit
from shared.training_settings.settings import TrainingSettings
from shared.training_settings.words import ADAMW_8BIT

VALIDATION_SHARE = 0.1  # of the data set: the settings do not tell how many rows a validation has


@dataclass(frozen=True)
class BetweenSteps:
    """Over a whole run."""

    seconds: dict[Between, float]
    counts: dict[Between, int]
    validation_rows: int


def between_steps(
    settings: TrainingSettings, *, rows: int, total_steps: int, row_seconds: float, saving_seconds: float
) -> BetweenSteps:
    """`row_seconds`: one row's forward pass; `saving_seconds`: one checkpoint."""
    validation_rows = max(1, round(VALIDATION_SHARE * rows))
    each: dict[Between, float] = {"validation": validation_rows * row_seconds, "saving": saving_seconds}
    evaluations = _times(settings, settings.eval_strategy, settings.eval_steps, total_steps)
    if settings.save_strategy == "best":
        savings = evaluations
    else:
        savings = _times(settings, settings.save_strategy, settings.save_steps, total_steps)
    counts: dict[Between, int] = {"validation": evaluations, "saving": savings}
    counts = {what: count for what, count in counts.items() if count}
    return BetweenSteps({what: each[what] * count for what, count in counts.items()}, counts, validation_rows)


def forward_seconds(step: StepSplit, settings: TrainingSettings) -> float:
    """Of a step's rows, the pass that a validation makes; where no timer saw it, its part of the arithmetic:
    with an adapter alone to be learned, the products of forward, of what is computed again, and of backward
    are as many each.
    """
    phases = step.phase_seconds
    if (forward := phases.get("forward")) is not None:
        return forward + phases.get("head_and_loss", 0.0) / 2  # the other half is its backward pass
    return step.step_seconds / (3 if settings.gradient_checkpointing else 2)


def time_saving(parameters: Mapping[str, nn.Parameter], settings: TrainingSettings) -> float:
    """Seconds of writing the adapter and the optimizer's two moments to this machine's temporary folder."""
    moment = torch.uint8 if settings.optim in ADAMW_8BIT else torch.float32
    weights = {name: part.detach().cpu() for name, part in parameters.items()}
    moments = {
        f"{name}.{which}": torch.zeros(part.shape, dtype=moment)
        for name, part in weights.items()
        for which in ("first", "second")
    }
    with tempfile.TemporaryDirectory(prefix="tunedock-saving-") as folder:
        started = time.perf_counter()
        save_file(weights, Path(folder) / "weights.safetensors")
        save_file(moments, Path(folder) / "moments.safetensors")
        return time.perf_counter() - started


def _times(settings: TrainingSettings, strategy: str, steps: float | None, total_steps: int) -> int:
    """How often a strategy acts in a run, as HF Trainer counts."""
    if strategy == "epoch":
        return ceil(settings.num_train_epochs)
    if strategy != "steps" or not steps:
        return 0
    every = int(steps) if steps >= 1 else max(1, ceil(steps * total_steps))
    return total_steps // every
