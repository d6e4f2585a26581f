"""What evaluation and saving at a cadence would take in a whole run."""

from pathlib import Path

import pytest
import torch
from torch import nn

from services.worker.explaining.between_steps import between_steps, forward_seconds, time_saving
from shared.reports.training_facts import StepSplit
from shared.training_settings.settings import TrainingSettings


def counts(settings: dict[str, object]) -> dict[str, int]:
    found = between_steps(
        TrainingSettings.model_validate(settings),
        rows=1000,
        total_steps=100,
        row_seconds=0.1,
        saving_seconds=2.0,
    )
    return {str(what): count for what, count in found.counts.items()}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"save_strategy": "no"}, {}),
        ({"save_steps": 30}, {"saving": 3}),
        ({"save_strategy": "epoch", "num_train_epochs": 3}, {"saving": 3}),
        ({"save_strategy": "no", "eval_strategy": "steps", "eval_steps": 1}, {"validation": 100}),
        ({"save_strategy": "no", "eval_strategy": "steps", "eval_steps": 0.1}, {"validation": 10}),
        (
            {"save_strategy": "best", "eval_strategy": "epoch", "num_train_epochs": 2.5},
            {"validation": 3, "saving": 3},
        ),
    ],
)
def test_what_happens_is_counted_as_trainer_does(
    settings: dict[str, object], expected: dict[str, int]
) -> None:
    assert counts(settings) == expected


def test_a_validation_is_a_tenth_of_the_rows_forward() -> None:
    settings = TrainingSettings(eval_strategy="steps", eval_steps=50, save_steps=25)
    found = between_steps(settings, rows=1000, total_steps=100, row_seconds=0.1, saving_seconds=2.0)
    assert found.validation_rows == 100
    assert found.seconds == {"validation": pytest.approx(2 * 10.0), "saving": pytest.approx(4 * 2.0)}


def test_a_validation_takes_what_the_forward_pass_was_seen_to_take_or_its_part_of_the_arithmetic() -> None:
    phases = {"forward": 0.5, "head_and_loss": 0.25, "backward": 1.0, "recomputation": 0.5}
    seen = StepSplit(step_seconds=2.4, phase_seconds=phases, steps=5, how="timers")
    assert forward_seconds(seen, TrainingSettings()) == 0.625
    unseen = StepSplit(step_seconds=2.4, phase_seconds={"rest": 2.4}, steps=5, how="timers")
    assert forward_seconds(unseen, TrainingSettings(gradient_checkpointing=True)) == pytest.approx(0.8)
    assert forward_seconds(unseen, TrainingSettings(gradient_checkpointing=False)) == pytest.approx(1.2)


def test_saving_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    parameters = {"layer.weight": nn.Parameter(torch.ones(8, 4))}
    assert time_saving(parameters, TrainingSettings()) > 0
    assert list(tmp_path.iterdir()) == []
