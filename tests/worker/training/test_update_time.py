"""An update is timed as a run does it, and leaves no trace."""

from typing import Any, get_args

import pytest
import torch
from torch import nn

from services.worker.training import update_time
from services.worker.training.optimizer import make_optimizer
from services.worker.training.update_time import update_seconds
from shared.schemas.hyperparameters import OptimizerName

CPU = torch.device("cpu")


def adapter() -> dict[str, nn.Parameter]:
    """B is 0 before the first step, as a new adapter's is; both are large enough for states of 8 bits."""
    torch.manual_seed(0)
    return {"A": nn.Parameter(torch.randn(16, 512)), "B": nn.Parameter(torch.zeros(512, 16))}


@pytest.mark.parametrize("name", get_args(OptimizerName))
def test_an_update_that_is_timed_changes_neither_weights_nor_draws(name: OptimizerName) -> None:
    parameters = adapter()
    before = {key: one.detach().clone() for key, one in parameters.items()}
    drawn = torch.get_rng_state()
    assert update_seconds(parameters, CPU, name) > 0
    for key, one in parameters.items():
        assert torch.equal(one.view(torch.int32), before[key].view(torch.int32))  # to the bit
        assert one.grad is None
    assert torch.equal(torch.get_rng_state(), drawn)


@pytest.mark.parametrize("name", get_args(OptimizerName))
def test_the_moments_of_an_update_that_is_timed_are_no_zeros(
    name: OptimizerName, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Zeros are rounded to 8 bits in less time than a run's moments."""
    made: list[torch.optim.Optimizer] = []

    def kept(*arguments: Any) -> torch.optim.Optimizer:
        made.append(make_optimizer(*arguments))
        return made[-1]

    monkeypatch.setattr(update_time, "make_optimizer", kept)
    update_seconds(parameters := adapter(), CPU, name)
    for one in parameters.values():
        state = made[0].state[one]
        moments = state["exp_avg"] if name == "adamw" else state["state1"]
        assert len(moments.unique()) > 100
