"""Settings as numbers: steps of a run, warm-up, and what the worker makes of them."""

import math

import pytest
from pydantic import ValidationError

from shared.training_settings.differences import hyperparameters, warmup_ratio
from shared.training_settings.settings import TrainingSettings


@pytest.mark.parametrize(
    ("rows", "batch", "accumulation", "epochs", "steps"),
    [
        (19_648, 2, 8, 1, 1228),  # the run of the reference
        (100, 8, 1, 3, 39),
        (100, 2, 8, 3, 21),  # 50 batches: 6 steps of 8 and one of 2, in each epoch
        (3, 2, 8, 2, 2),
        (100, 10, 1, 1.5, 15),
        (100, 10, 1, 0.01, 1),
    ],
)
def test_steps_are_counted_as_hf_trainer_counts_them(
    rows: int, batch: int, accumulation: int, epochs: float, steps: int
) -> None:
    settings = TrainingSettings(
        per_device_train_batch_size=batch, gradient_accumulation_steps=accumulation, num_train_epochs=epochs
    )
    assert settings.total_steps(rows) == steps
    assert settings.model_copy(update={"max_steps": 7}).total_steps(rows) == 7


@pytest.mark.parametrize(
    ("warmup", "most", "total", "steps"),
    [
        (0, None, 100, 0),
        (0.03, None, 100, 3),
        (0.03, None, 110, 4),
        (10, None, 100, 10),
        (0.03, 100, 10_000, 100),
    ],
)
def test_a_warm_up_below_one_is_a_share_of_the_run(
    warmup: float, most: int | None, total: int, steps: int
) -> None:
    settings = TrainingSettings(warmup_steps=warmup, most_warmup_steps=most, max_steps=total)
    assert settings.warmup_steps_of(total) == steps


def test_the_worker_warms_up_for_exactly_as_many_steps() -> None:
    for total in (*range(1, 200), 1228, 99_999):
        for steps in {0, 1, 3, total // 3, total - 1, total} - {-1}:
            wanted = min(steps, total)
            assert math.ceil(total * warmup_ratio(wanted, total)) == wanted


def test_the_worker_learns_what_the_settings_say() -> None:
    settings = TrainingSettings(
        warmup_steps=20, lr_scheduler_type="linear", num_train_epochs=1, seed=7, max_grad_norm=0
    )
    learned = hyperparameters(settings, rows=19_648)
    assert (learned.max_steps, learned.global_batch_size, learned.seed) == (1228, 16, 7)
    assert (learned.lr_scheduler_type, learned.max_grad_norm) == ("linear", 1e6)
    assert (learned.optim, hyperparameters(TrainingSettings(optim="adamw_torch"), rows=9).optim) == (
        "adamw_8bit", "adamw"
    )  # fmt: skip
    assert math.ceil(1228 * learned.warmup_ratio) == 20
    assert hyperparameters(TrainingSettings(lr_scheduler_type="rex"), rows=9).lr_scheduler_type == "cosine"


@pytest.mark.parametrize(
    "wrong",
    [
        {"padding": "left"},
        {"max_seq_length": 7},
        {"eval_strategy": "steps"},
        {"save_steps": 0.0},
        {"dataloader_num_workers": -1},
        {"optim": "adamw"},
        {"quantization": "nf5"},
        {"per_device_train_batch_size": 4096, "gradient_accumulation_steps": 2},
        {"more": 1},
    ],
)
def test_settings_out_of_bounds_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        TrainingSettings.model_validate(wrong)
