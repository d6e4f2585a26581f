"""A training is explained by trials on its own rows, and the model is afterwards what it was."""

import time
from datetime import UTC, datetime
from math import ceil

import numpy as np
import pytest
import torch

from services.worker.adapters.lora import attached, lora_config, trained_parameters
from services.worker.computing.plan.plan import Plan
from services.worker.explaining import device_facts, rounds
from services.worker.explaining.arm import Arm, ArmSteps
from services.worker.explaining.dequantizing import watch_dequantizing
from services.worker.explaining.diagnosis import explain_training, notes_of
from services.worker.models.load import LoadedModel
from services.worker.phase_clock import PhaseClock
from services.worker.running_job import JobCancelled, JsonValue, NoJob
from services.worker.text.marked_text import TokenRow
from shared.messages.render import told
from shared.reports.stored import read_stored
from shared.reports.training import TrainingReport
from shared.schemas.hyperparameters import Lora
from shared.schemas.requests import TrainingDiagnosticRequest
from shared.training_settings.read import given_settings, read_settings
from tests.worker.training.tiny_bases import Rows, WriteRows

REQUEST = TrainingDiagnosticRequest(dataset="spam", minutes=1)


def explained(
    base: LoadedModel, data_of: WriteRows, rows: Rows, *, minutes: float = 0.1, **settings: object
) -> TrainingReport:
    return explain_training(
        base,
        REQUEST.model_copy(update={"minutes": minutes}),
        data_of(rows, "classification"),
        told=given_settings({"max_seq_length": 128, "gradient_accumulation_steps": 2, **settings}),
        stages=PhaseClock(first="model_load"),
        now=datetime.now(UTC),
        job=NoJob(),
    )


def test_every_key_of_a_file_that_has_no_meaning_here_is_named_with_its_value() -> None:
    file = '{"per_device_train_batch_size": 2, "tf32": true, "torch_compile": true, "report_to": "wandb"}'
    notes = notes_of(read_settings(file, given={"padding": "longest", "max_seq_length": 64}))
    assert [told(note) for note in notes][-3:] == [
        "tf32 (true) is left out. It chooses kernels or compilers that are not tried here.",
        "torch_compile (true) is left out. It chooses kernels or compilers that are not tried here.",
        "report_to (wandb) is left out. It decides where progress is written, and changes no step.",
    ]


@pytest.fixture
def soon_sure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five rounds are enough, however far they are apart, and there is time for all arms."""
    monkeypatch.setattr(rounds, "SURE", 1e9)


@pytest.mark.usefixtures("soon_sure")
def test_every_factor_is_told_with_its_basis_and_the_path_ends_at_auto(
    llama_nf4: LoadedModel, write_rows: WriteRows, spam_rows: Rows
) -> None:
    report = explained(llama_nf4, write_rows, spam_rows, minutes=10)
    found = {cost.factor: cost for cost in report.facts.factors}
    assert found.keys() >= {
        "padding", "gradient_checkpointing", "batch_size", "gradient_accumulation", "data_loading",
        "sequence_length",
    }  # fmt: skip
    timed = found["gradient_checkpointing"]
    assert (timed.basis, timed.as_is, timed.changed, timed.rounds) == ("measured", "on", "off", 5)
    assert timed.ratio_low is not None
    assert timed.ratio_high is not None
    assert timed.ratio_low <= (timed.ratio or 0) <= timed.ratio_high
    assert found["gradient_accumulation"].basis == "counted"
    assert not found["gradient_accumulation"].same_learning
    assert [station.change for station in report.facts.path][0::3] == ["as configured", "plan auto"]
    assert report.facts.tokens.padding_ratio == pytest.approx(
        1 - report.facts.tokens.real_tokens / (40 * 128)
    )
    assert report.facts.total_steps == 30
    memory = report.facts.memory
    assert all((memory.weights, memory.embedding, memory.adapter_and_optimizer, memory.activations))
    assert "plan auto" in report.text
    assert report.facts.device.kind == "cpu"
    assert read_stored(TrainingReport, report.model_dump(mode="json")) == report


def test_what_there_is_no_time_for_is_foretold_or_not_tried_and_said_so(
    llama_nf4: LoadedModel, write_rows: WriteRows, spam_rows: Rows
) -> None:
    report = explained(llama_nf4, write_rows, spam_rows, minutes=1e-6)
    found = {cost.factor: cost for cost in report.facts.factors}
    assert found["gradient_checkpointing"].basis == "predicted"
    assert found["gradient_checkpointing"].ratio is not None
    assert found["batch_size"].basis == "not_tried"
    assert found["batch_size"].ratio is None
    for factor in ("gradient_checkpointing", "batch_size"):
        assert "a higher value for minutes" in told(found[factor].advice)
    assert [station.change for station in report.facts.path] == ["as configured", "plan auto"]


def test_the_model_is_what_it_was_whatever_the_precision_tried(
    llama_nf4: LoadedModel, write_rows: WriteRows, spam_rows: Rows
) -> None:
    model = llama_nf4.model
    ids = torch.arange(1, 12).unsqueeze(0)
    before, names = model(input_ids=ids).logits, [name for name, _ in model.named_modules()]
    report = explained(llama_nf4, write_rows, spam_rows, minutes=0.02, bnb_4bit_compute_dtype="float32")
    assert {cost.factor for cost in report.facts.factors} >= {"precision"}
    assert report.facts.compute_dtype == "float32"
    assert [name for name, _ in model.named_modules()] == names
    assert torch.equal(model(input_ids=ids).logits, before)
    assert not model.training
    assert model.config.num_hidden_layers == len(model.model.layers)


def test_packs_are_timed_as_packs_and_a_step_has_their_rows(
    llama_nf4: LoadedModel, write_rows: WriteRows, spam_rows: Rows
) -> None:
    report = explained(llama_nf4, write_rows, spam_rows, minutes=0.02, padding="packing")
    tokens = report.facts.tokens
    assert tokens.computed_tokens == tokens.real_tokens
    packs = ceil(tokens.real_tokens / 128)
    assert report.facts.rows_per_step == round(4 * 40 / packs)
    assert report.facts.total_steps == 3 * ceil(ceil(packs / 2) / 2)


class CancelledWhileTrying(NoJob):
    def progress(self, stage: str, **fields: JsonValue) -> None:
        if stage == "trying" and fields.get("rounds") is None:
            raise JobCancelled


def test_a_cancel_is_heard_within_a_micro_batch_and_leaves_the_model_clean(
    llama_nf4: LoadedModel, write_rows: WriteRows, spam_rows: Rows
) -> None:
    names = [name for name, _ in llama_nf4.model.named_modules()]
    with pytest.raises(JobCancelled):
        explain_training(
            llama_nf4,
            REQUEST,
            write_rows(spam_rows, "classification"),
            told=given_settings({"max_seq_length": 64}),
            stages=PhaseClock(first="model_load"),
            now=datetime.now(UTC),
            job=CancelledWhileTrying(),
        )
    assert [name for name, _ in llama_nf4.model.named_modules()] == names


def test_a_step_is_split_as_configured_and_by_the_plan(
    llama_nf4: LoadedModel, write_rows: WriteRows, spam_rows: Rows
) -> None:
    facts = explained(llama_nf4, write_rows, spam_rows).facts
    step, auto = facts.step, facts.auto_step
    assert auto is not None
    assert sum(step.phase_seconds.values()) == pytest.approx(step.step_seconds)
    assert sum(auto.phase_seconds.values()) == pytest.approx(auto.step_seconds)
    shared = {"data", "copy", "forward", "backward", "head_and_loss", "optimizer", "logging", "rest"}
    assert step.phase_seconds.keys() == {*shared, "recomputation", "dequantizing"}
    assert auto.phase_seconds.keys() == shared
    assert all(seconds > 0 for seconds in step.phase_seconds.values())
    assert step.computed_tokens == 4 * 128
    assert auto.computed_tokens < step.computed_tokens
    assert facts.stages.keys() == {
        "model_load", "data_load", "kbit_preparation", "lora",
        "tokenizing", "collating", "set_up", "training",
    }  # fmt: skip
    apart = sum(seconds for stage, seconds in facts.stages.items() if stage != "collating")
    assert facts.wall_seconds == pytest.approx(apart)
    assert 0 < facts.stages["collating"] < facts.stages["training"]


def test_the_seconds_that_the_speed_of_the_device_takes_to_measure_are_in_a_stage(
    llama_nf4: LoadedModel, write_rows: WriteRows, spam_rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slowly(device: torch.device) -> float:
        time.sleep(1.5)
        return 1e9

    monkeypatch.setattr(device_facts, "best_flops_per_second", slowly)
    facts = explained(llama_nf4, write_rows, spam_rows, minutes=1e-6).facts
    assert facts.stages["set_up"] >= 1.5
    assert (facts.wall_seconds or 0.0) >= facts.stages["set_up"] + facts.stages["training"]


def test_dequantizing_is_seen_by_the_profiler_and_taken_out_of_the_passes(
    llama_nf4: LoadedModel, llama: LoadedModel, write_rows: WriteRows, spam_rows: Rows
) -> None:
    step = explained(llama_nf4, write_rows, spam_rows).facts.step
    assert (step.how, step.profiled_steps) == ("profiler", 2)
    assert 0 < step.phase_seconds["dequantizing"] < 0.5 * step.step_seconds
    assert all(seconds >= 0 for seconds in step.phase_seconds.values())
    assert sum(step.phase_seconds.values()) == pytest.approx(step.step_seconds)
    whole = explained(llama, write_rows, spam_rows).facts.step
    assert whole.how == "timers"  # none of its weights has 4 bits
    assert "dequantizing" not in whole.phase_seconds


def test_forward_recomputation_and_backward_each_have_their_own_dequantizing(
    llama_nf4: LoadedModel,
) -> None:
    """By names that torch and bitsandbytes give, which may change."""
    row = TokenRow(np.arange(3, 63, dtype=np.int32), np.arange(60) >= 40)
    plan = Plan(
        "explicit", 128, True, rows_per_micro_batch=2, pad_to=64, attention_mask=True, full_logits=True
    )
    with attached(llama_nf4, lora_config(Lora(r=4, alpha=8), llama_nf4)) as adapted:
        steps = ArmSteps(llama_nf4, Arm("as configured", plan), trained_parameters(adapted))
        seen = watch_dequantizing(llama_nf4, steps, [row] * 2, lambda: None)
    assert seen is not None
    assert seen.ratios.keys() == {"forward", "recomputation", "backward"}
    assert all(0 < ratio < 1 for ratio in seen.ratios.values())
