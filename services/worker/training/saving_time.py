"""How long a run spends on its checkpoints, tried before its first step."""

import time
from math import ceil
from statistics import fmean

from services.worker.adapters.adapter_folder import adapter_config
from services.worker.adapters.lora import adapter_weights
from services.worker.training.checkpoint_keeper import pause_seconds
from services.worker.training.checkpoints import Snapshot
from services.worker.training.optimizer import make_optimizer, optimizer_state, reserve_state
from services.worker.training.run import Run

TRIES_AT_MOST, TRYING_SECONDS = 4, 0.5


def saving_seconds(run: Run, *, steps: int, step_seconds: float, longest: float) -> float:
    """Of all checkpoints of `steps` steps, at most `longest` seconds apart, from writing a few aside. Nothing
    is left of them. 0 where the disk takes none: then the run saves nothing, and says so.
    """
    try:
        each = _one(run)
    except OSError:
        return 0.0
    return each * times_saved(steps, step_seconds=step_seconds, longest=longest, saving=each)


def times_saved(steps: int, *, step_seconds: float, longest: float, saving: float) -> int:
    """In a run of `steps` steps, where one takes `saving` seconds: each time that enough time went by, and at
    its end. Before the first time a run does not know yet what it costs.
    """

    def steps_between(known: float) -> int:
        pause = pause_seconds(steps * step_seconds, longest_seconds=longest, saving_seconds=known)
        return max(1, ceil(pause / step_seconds))

    first = steps_between(0.0)
    return 1 + ceil(max(0, steps - first) / steps_between(saving))


def _one(run: Run) -> float:
    """The mean without the first, where that leaves any: it makes folders."""
    optimizer, took = make_optimizer(run.parameters, run.hyperparameters.optim), list[float]()
    reserve_state(optimizer, run.parameters)
    config = adapter_config(run.adapted, run.base)
    while not took or (len(took) < TRIES_AT_MOST and sum(took) < TRYING_SECONDS):
        started = time.perf_counter()
        moments = optimizer_state(optimizer, run.parameters)
        run.checkpoints.rehearse(Snapshot(0, adapter_weights(run.adapted), moments, {}, config))
        took.append(time.perf_counter() - started)
    return fmean(took[1:] or took)
