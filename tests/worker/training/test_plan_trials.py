"""The first steps try the plans that the estimate can't tell apart, and the fastest stays."""

from pathlib import Path
from typing import Any

import bitsandbytes
import pytest
import torch

from services.worker.computing.plan.plan import Plan
from services.worker.models.load import LoadedModel
from services.worker.running_job import WorkerDraining
from services.worker.text.dataset_file import DatasetFile
from services.worker.training import plan_trials
from services.worker.training.done_step import DoneStep
from services.worker.training.fine_tuning import fine_tune
from services.worker.training.plan_trials import PlanTrials
from shared.job_folder import JobFolder
from shared.schemas.requests import FineTuningRequest
from tests.worker.training.tiny_bases import RecordedJob, Rows, WriteRows

LARGE = Plan("auto", 1024, gradient_checkpointing=False)
SMALL = Plan("auto", 512, gradient_checkpointing=False)
LEAN = Plan("auto", 1024, gradient_checkpointing=True)


def step(number: int, seconds: float, tokens: int) -> DoneStep:
    return DoneStep(
        step=number,
        total_steps=1000,
        train_loss=1.0,
        grad_norm=1.0,
        learning_rate=1e-4,
        step_seconds=seconds,
        real_tokens=tokens,
        computed_tokens=2 * tokens,
        target_tokens=10,
        eta_seconds=1.0,
        phase_seconds={},
    )


def name_of(plan: Plan) -> str:
    return f"{plan.tokens_per_micro_batch}{' recomputing' if plan.gradient_checkpointing else ''}"


def tried(trials: PlanTrials, token_seconds: dict[str, float], steps: int = 20) -> tuple[list[str], Plan]:
    """What steps of growing rows followed, and what stays; each plan's first step is slow."""
    plan, followed = LARGE, list[str]()
    for number in range(1, steps + 1):
        plan = trials.next_plan(plan)
        name = name_of(plan)
        warm = 1.0 if name in followed else 10.0
        followed.append(name)
        plan = trials.after(step(number, warm * token_seconds[name] * 100 * number, 100 * number), plan)
    return followed, plan


def test_plans_take_turns_and_the_fastest_for_a_token_stays() -> None:
    job = RecordedJob()
    followed, stays = tried(PlanTrials.of([LARGE, SMALL], 1000, job), {"1024": 0.0003, "512": 0.0002})
    assert followed == ["1024", "512"] * 4 + ["512"] * 12
    assert stays == SMALL
    assert [(one.tokens_per_micro_batch, one.recompute_every, one.steps) for one in stays.tried] == [
        (1024, None, 3),
        (512, None, 3),
    ]
    assert [one.token_seconds for one in stays.tried] == pytest.approx([0.0003, 0.0002])
    ((message, content),) = job.events
    assert content["code"] == "plan_chosen"
    assert [one["tokens_per_micro_batch"] for one in content["tried"]] == [1024, 512]
    assert "tokens, nothing computed twice: 300 µs for a token of a row." in message
    assert message.endswith("From here on: micro-batches of up to 512 tokens, nothing computed twice.")


@pytest.mark.parametrize(("other", "stays"), [(0.000198, LARGE), (0.000190, SMALL)])
def test_the_estimates_first_stays_unless_another_is_clearly_faster(other: float, stays: Plan) -> None:
    trials = PlanTrials.of([LARGE, SMALL], 1000, RecordedJob())
    assert tried(trials, {"1024": 0.000200, "512": other})[1] == stays


@pytest.mark.parametrize(("total_steps", "plans"), [(199, 0), (200, 2), (299, 2), (300, 3), (9000, 3)])
def test_trying_takes_no_more_than_eight_steps_and_two_in_a_hundred(total_steps: int, plans: int) -> None:
    job = RecordedJob()
    trials = PlanTrials.of([LARGE, SMALL, LEAN], total_steps, job)
    if not plans:
        assert job.codes() == ["plan_not_tried"]
        assert "the run has only 199 steps" in job.events[0][0]
    followed, _ = tried(trials, {"1024": 0.0001, "512": 0.0002, "1024 recomputing": 0.0003})
    elsewhere = [number for number, name in enumerate(followed) if name != "1024"]
    assert len({followed[number] for number in elsewhere}) == max(0, plans - 1)
    assert all(number < min(8, 0.02 * total_steps) for number in elsewhere)


def test_a_single_plan_is_not_worth_a_word() -> None:
    job = RecordedJob()
    assert set(tried(PlanTrials.of([LARGE], 100, job), {"1024": 0.1})[0]) == {"1024"}
    assert job.events == []


def test_a_plan_that_memory_made_smaller_ends_the_trials_and_stays() -> None:
    trials = PlanTrials.of([LARGE, SMALL], 1000, RecordedJob())
    assert trials.next_plan(LARGE) == LARGE
    smaller = Plan("auto", 300, gradient_checkpointing=False)
    assert trials.after(step(1, 1.0, 100), smaller) == smaller
    assert trials.next_plan(smaller) == smaller
    assert trials.standing(smaller) == smaller


def test_what_stands_while_plans_are_tried_is_the_fastest_so_far() -> None:
    trials = PlanTrials.of([LARGE, SMALL], 1000, RecordedJob())
    assert trials.standing(SMALL) == LARGE
    tried(trials, {"1024": 0.0003, "512": 0.0002}, steps=4)
    assert trials.standing(LARGE) == SMALL


@pytest.fixture
def data(write_rows: WriteRows, spam_rows: Rows) -> DatasetFile:
    rows = [{**row, "text": row["text"] + "; tell me soon, or tell the others" * 2} for row in spam_rows]
    return write_rows(rows, "classification")


def run(
    base: LoadedModel, data: DatasetFile, folder: Path, plan: Any, job: RecordedJob, attempt: int = 1
) -> dict[str, Any]:
    hyperparameters = {
        "max_steps": 8,
        "global_batch_size": 20,
        "learning_rate": 5e-3,
        "max_seq_length": 256,
        "lora": {"r": 4, "alpha": 8},
    }
    request = FineTuningRequest.model_validate(
        {"dataset": "spam", "plan": plan, "hyperparameters": hyperparameters}
    )
    return fine_tune(
        base,
        request,
        training=data,
        validation=None,
        job_folder=JobFolder(folder),
        attempt=attempt,
        checkpoint_seconds=1000,
        job=job,
    )


def test_a_run_that_tries_plans_learns_what_one_that_tries_none_does(
    llama: LoadedModel, data: DatasetFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_trials, "SHARE_OF_RUN", 0.5)  # four of its steps
    job, plain = RecordedJob(), RecordedJob()
    result = run(llama, data, tmp_path / "tried", "auto", job)
    assert "plan_chosen" in job.codes()
    assert [one["tokens_per_micro_batch"] for one in result["plan"]["tried"]] == [1024, 512]
    explicit = {"tokens_per_micro_batch": 1024, "gradient_checkpointing": False}
    run(llama, data, tmp_path / "plain", explicit, plain)
    assert job.losses == pytest.approx(plain.losses, rel=1e-4)


@pytest.mark.parametrize("at_step", [3, 6])
def test_a_resumed_run_follows_the_plan_that_stood_and_tries_no_more(
    llama: LoadedModel, data: DatasetFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_step: int
) -> None:
    monkeypatch.setattr(plan_trials, "SHARE_OF_RUN", 0.5)
    drained, resumed = RecordedJob(stop=WorkerDraining, at_step=at_step), RecordedJob()
    with pytest.raises(WorkerDraining):
        run(llama, data, tmp_path, "auto", drained)
    assert ("plan_chosen" in drained.codes()) == (at_step == 6)
    result = run(llama, data, tmp_path, "auto", resumed, attempt=2)
    assert result["resumed_from_step"] == at_step
    assert {"plan_chosen", "plan_changed", "plan_not_tried"} & set(resumed.codes()) == set()
    if at_step == 6:
        (chosen,) = [text for text, content in drained.events if content.get("code") == "plan_chosen"]
        tokens = f"{result['plan']['tokens_per_micro_batch']:,}"
        assert chosen.endswith(f"micro-batches of up to {tokens} tokens, nothing computed twice.")
        assert len(result["plan"]["tried"]) == 2


def test_the_plans_share_their_dequantized_weights(
    llama_nf4: LoadedModel, data: DatasetFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each plan with its own would take several times the memory that was reckoned with."""
    monkeypatch.setattr(plan_trials, "SHARE_OF_RUN", 0.5)
    dequantized, original = list[int](), bitsandbytes.functional.dequantize_4bit
    job = RecordedJob()

    def counted(weight: torch.Tensor, *rest: Any, **more: Any) -> torch.Tensor:
        if job.stages[-1] != "predicting":
            dequantized.append(weight.data_ptr())
        return original(weight, *rest, **more)

    monkeypatch.setattr(bitsandbytes.functional, "dequantize_4bit", counted)
    run(llama_nf4, data, tmp_path, "auto", job)
    assert "plan_chosen" in job.codes()
    layers = [part for part in llama_nf4.model.modules() if isinstance(part, bitsandbytes.nn.Linear4bit)]
    assert sorted(dequantized) == sorted(layer.weight.data_ptr() for layer in layers)
