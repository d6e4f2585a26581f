"""The learning rate of a step."""

from typing import get_args

import pytest
import torch
from transformers import get_scheduler

from services.worker.training.schedule import learning_rate
from shared.schemas.hyperparameters import LearningRateSchedule


@pytest.mark.parametrize("schedule", get_args(LearningRateSchedule))
@pytest.mark.parametrize(("total", "ratio"), [(100, 0.03), (20, 0.5), (7, 0.0), (1, 0.03), (5, 1.0)])
def test_the_rate_is_that_of_transformers_at_every_step(
    total: int, ratio: float, schedule: LearningRateSchedule
) -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=2e-4)
    warmup = -int(-total * ratio // 1)
    theirs = get_scheduler(schedule, optimizer, num_warmup_steps=warmup, num_training_steps=total)
    for step in range(total):
        ours = learning_rate(step, peak=2e-4, total_steps=total, warmup_ratio=ratio, schedule=schedule)
        assert ours == pytest.approx(theirs.get_last_lr()[0], rel=1e-9, abs=1e-15)
        optimizer.step()
        theirs.step()
