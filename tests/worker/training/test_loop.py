"""What the loop makes of a schedule's steps."""

from pathlib import Path

import numpy as np
import pytest

from services.worker.computing.batching import Schedule
from services.worker.computing.plan.plan import Plan, baseline_plan
from services.worker.computing.validation import mean_loss
from services.worker.models.load import LoadedModel
from services.worker.text.marked_text import TokenRow
from shared.schemas.hyperparameters import Hyperparameters, Lora
from tests.worker.training.test_loss_parity import FAST, losses_of_our_loop

WHOLE = Plan("explicit", 10_000, gradient_checkpointing=False)
# So small a rate that no weight moves, and every step's loss is the base model's.
STILL = Hyperparameters(learning_rate=1e-30, max_seq_length=64, lora=Lora(r=2, alpha=4))


@pytest.mark.parametrize(
    "plan",
    [baseline_plan(64), Plan("explicit", 64, False), FAST],
    ids=["baseline", "small micro-batches", "fast"],
)
def test_a_smaller_last_step_is_the_mean_over_its_own_targets(
    llama: LoadedModel, tmp_path: Path, plan: Plan
) -> None:
    """Ten rows in steps of four, with 1 to 40 targets: neither rows nor micro-batches weigh alike."""
    random = np.random.default_rng(0)
    rows = [
        TokenRow(random.integers(3, 500, 50).astype(np.int32), np.arange(50) >= 50 - targets)
        for targets in (1, 40, 3, 17, 2, 30, 8, 1, 25, 5)
    ]
    schedule = Schedule.of(len(rows), rows_per_step=4, seed=1, n_epochs=1, max_steps=None)
    assert [len(schedule.rows_of(step)) for step in range(3)] == [4, 4, 2]
    losses = losses_of_our_loop(llama, rows, schedule, plan, tmp_path, STILL)
    expected = [
        mean_loss(llama.model, [rows[index] for index in schedule.rows_of(step)], WHOLE, device=llama.device)
        for step in range(3)
    ]
    assert losses == pytest.approx(expected, rel=1e-5)
