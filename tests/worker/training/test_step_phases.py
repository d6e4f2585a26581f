"""Where the seconds of a step go, by either way of computing it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from services.worker.computing.batching import Schedule
from services.worker.computing.plan.plan import Plan, baseline_plan
from services.worker.models.load import LoadedModel
from services.worker.text.marked_text import TokenRow
from services.worker.training.done_step import DoneStep
from shared.schemas.hyperparameters import Hyperparameters, Lora
from tests.worker.training.test_loss_parity import FAST, losses_of_our_loop

SETTINGS = Hyperparameters(max_seq_length=64, lora=Lora(r=2, alpha=4))
TOLD = {"data", "copy", "forward", "backward", "head_and_loss", "optimizer", "logging", "rest"}


def rows() -> list[TokenRow]:
    random = np.random.default_rng(0)
    return [TokenRow(random.integers(3, 500, 50).astype(np.int32), np.arange(50) >= 40) for _ in range(8)]


def steps_of(llama: LoadedModel, plan: Plan, folder: Path) -> Sequence[DoneStep]:
    steps = list[DoneStep]()
    schedule = Schedule.of(8, rows_per_step=4, seed=1, n_epochs=1, max_steps=3)
    losses_of_our_loop(llama, rows(), schedule, plan, folder, SETTINGS, observe=steps.append)
    return steps


@pytest.mark.parametrize(
    ("plan", "again"),
    [
        (baseline_plan(64), True),
        (Plan("explicit", 64, True, attention_mask=True, full_logits=True), True),
        (Plan("explicit", 64, False, full_logits=True), False),
        (FAST, False),
    ],
    ids=["baseline", "all logits, computed again", "all logits", "own layers"],
)
def test_a_step_s_phases_add_up_to_it(llama: LoadedModel, tmp_path: Path, plan: Plan, again: bool) -> None:
    for step in steps_of(llama, plan, tmp_path):
        assert step.phase_seconds.keys() == (TOLD | {"recomputation"} if again else TOLD)
        assert sum(step.phase_seconds.values()) == step.step_seconds
        seen = step.step_seconds - step.phase_seconds["rest"]
        assert seen > 0.5 * step.step_seconds


def test_own_layers_tell_what_they_compute_again(llama: LoadedModel, tmp_path: Path) -> None:
    plan = replace(FAST, gradient_checkpointing=True)
    assert all("recomputation" in step.phase_seconds for step in steps_of(llama, plan, tmp_path))


def test_reporting_is_between_steps_and_the_model_keeps_no_hook(llama: LoadedModel, tmp_path: Path) -> None:
    steps = steps_of(llama, baseline_plan(64), tmp_path)
    assert "reporting" not in steps[0].between_seconds
    assert steps[1].between_seconds.keys() >= {"reporting", "other"}
    assert not llama.model.get_output_embeddings()._forward_pre_hooks
