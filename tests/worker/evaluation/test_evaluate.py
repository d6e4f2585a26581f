"""Evaluating a base model, with and without an adapter, before and after training it."""

from pathlib import Path
from typing import Any

import pytest
import torch

from services.worker.evaluation.evaluate import evaluate
from services.worker.failures import FailureCode, JobFailed
from services.worker.models.load import LoadedModel
from services.worker.running_job import JobCancelled, NoJob
from services.worker.text.dataset_file import DatasetFile
from services.worker.training.fine_tuning import fine_tune
from shared import adapters
from shared.job_folder import JobFolder
from shared.schemas.hyperparameters import Hyperparameters
from shared.schemas.requests import FineTuningRequest
from tests.tiny_models import make_tiny_llama
from tests.worker.training.tiny_bases import RecordedJob, Rows, WriteRows, load

IDS = torch.arange(1, 17).unsqueeze(0)


@pytest.fixture
def data(write_rows: WriteRows, spam_rows: Rows) -> DatasetFile:
    return write_rows(spam_rows, "classification")


def evaluated(
    base: LoadedModel, data: DatasetFile, adapter_folder: Path | None = None, **more: Any
) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "instruction": None,
        "labels": None,
        "max_seq_length": 128,
        "job": NoJob(),
    }
    return evaluate(base, data=data, adapter_folder=adapter_folder, **{**settings, **more})


def trained(
    base: LoadedModel, data: DatasetFile, job_folder: Path, instruction: str | None = None
) -> RecordedJob:
    settings = Hyperparameters(n_epochs=3, global_batch_size=8, learning_rate=5e-3, max_seq_length=128)
    job = RecordedJob()
    fine_tune(
        base,
        FineTuningRequest(dataset="spam", hyperparameters=settings, instruction=instruction),
        training=data,
        validation=None,
        job_folder=JobFolder(job_folder),
        attempt=1,
        checkpoint_seconds=1000,
        job=job,
    )
    return job


@pytest.mark.parametrize("name", ["llama_nf4", "exaone"])
def test_training_makes_the_evaluation_better_and_leaves_the_base_alone(
    name: str, request: pytest.FixtureRequest, data: DatasetFile, tmp_path: Path
) -> None:
    """Evaluate, train, evaluate on one resident base: on some CPUs the first could break the second."""
    base: LoadedModel = request.getfixturevalue(name)
    with torch.no_grad():
        logits = base.model(IDS).logits
    before = evaluated(base, data)
    job = trained(base, data, tmp_path)
    after = evaluated(base, data, adapters.adapter_folder(JobFolder(tmp_path)))
    assert job.losses[-1] < 0.7 * job.losses[0]
    assert after["loss"] < 0.7 * before["loss"]
    assert after["labels"]["spam"]["f1"] > 0.9
    assert after["rows"] == 40
    with torch.no_grad():
        assert torch.equal(base.model(IDS).logits, logits)
    assert evaluated(base, data)["loss"] == before["loss"]


def test_the_loss_is_that_of_validation_during_training(
    llama: LoadedModel, data: DatasetFile, tmp_path: Path
) -> None:
    result = fine_tune(
        llama,
        FineTuningRequest(dataset="spam", hyperparameters=Hyperparameters(max_steps=3, max_seq_length=128)),
        training=data,
        validation=data,
        job_folder=JobFolder(tmp_path),
        attempt=1,
        checkpoint_seconds=1000,
        job=NoJob(),
    )
    assert evaluated(llama, data, tmp_path / "adapter")["loss"] == pytest.approx(
        result["validation_loss"], rel=1e-5
    )


def test_an_adapter_is_asked_as_it_was_trained(llama: LoadedModel, data: DatasetFile, tmp_path: Path) -> None:
    trained(llama, data, tmp_path, instruction="광고?")
    assert evaluated(llama, data, tmp_path / "adapter")["instruction"] == "광고?"
    asked = evaluated(llama, data, tmp_path / "adapter", instruction="Spam or ham?")
    assert asked["instruction"] == "Spam or ham?"


def test_labels_the_data_lacks_may_still_be_answered(llama: LoadedModel, write_rows: WriteRows) -> None:
    data = write_rows([{"text": "See you", "label": "ham"}], "classification")
    result = evaluated(llama, data, labels=["spam", "ham"])
    assert result["confusion_matrix"]["labels"] == ["ham", "spam"]


def test_labels_an_adapter_learned_may_always_be_answered(
    llama: LoadedModel, data: DatasetFile, write_rows: WriteRows, tmp_path: Path
) -> None:
    trained(llama, data, tmp_path)
    only_ham = write_rows([{"text": "See you", "label": "ham"}], "classification")
    result = evaluated(llama, only_ham, tmp_path / "adapter", labels=["ham"])
    assert result["confusion_matrix"]["labels"] == ["ham", "spam"]


def test_other_formats_give_a_loss_alone(llama: LoadedModel, write_rows: WriteRows) -> None:
    result = evaluated(llama, write_rows([{"text": "See you at 7"}], "text"))
    assert result["loss"] > 0
    assert "accuracy" not in result


def test_an_adapter_of_another_base_is_refused(llama: LoadedModel, data: DatasetFile, tmp_path: Path) -> None:
    trained(llama, data, tmp_path)
    other = load(make_tiny_llama(tmp_path / "other-llama", seed=1), "none")
    with pytest.raises(JobFailed, match="made for tiny-llama, and the base model is other-llama") as failed:
        evaluated(other, data, tmp_path / "adapter")
    assert failed.value.failure.code == FailureCode.ADAPTER_INVALID


@pytest.mark.parametrize("damage", ["a byte changed", "a file gone"])
def test_a_damaged_adapter_is_refused(
    llama: LoadedModel, data: DatasetFile, tmp_path: Path, damage: str
) -> None:
    trained(llama, data, tmp_path)
    weights = tmp_path / "adapter" / "adapter_model.safetensors"
    content = weights.read_bytes()
    weights.unlink()
    if damage == "a byte changed":
        weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(JobFailed, match="damaged") as failed:
        evaluated(llama, data, tmp_path / "adapter")
    assert failed.value.failure.code == FailureCode.ADAPTER_INVALID


def test_a_cancelled_evaluation_stops_and_leaves_the_base_alone(
    llama: LoadedModel, data: DatasetFile, tmp_path: Path
) -> None:
    class Cancelled(NoJob):
        def progress(self, stage: str, **fields: object) -> None:
            if stage == "evaluating":
                raise JobCancelled

    trained(llama, data, tmp_path)
    classes = [type(module) for module in llama.model.modules()]
    with pytest.raises(JobCancelled):
        evaluated(llama, data, tmp_path / "adapter", job=Cancelled())
    assert [type(module) for module in llama.model.modules()] == classes


class Stages(NoJob):
    """What was told of an evaluation: (stage, rows done, all rows)."""

    def __init__(self) -> None:
        self.told: list[tuple[str, object, object]] = []

    def progress(self, stage: str, **fields: object) -> None:
        self.told.append((stage, fields.get("rows"), fields.get("total_rows")))


@pytest.mark.parametrize("rows", [40, 3])
def test_every_stage_is_told_when_it_begins_and_counted_to_its_end(
    llama: LoadedModel, write_rows: WriteRows, spam_rows: Rows, tmp_path: Path, rows: int
) -> None:
    """Also of few rows: what was not told looked like the stage before, `resolving`."""
    data = write_rows(spam_rows[:rows], "classification")
    trained(llama, write_rows(spam_rows, "classification"), tmp_path)
    job = Stages()
    evaluated(llama, data, adapters.adapter_folder(JobFolder(tmp_path)), job=job)
    assert list(dict.fromkeys(stage for stage, _, _ in job.told)) == [
        "checking the adapter", "tokenizing", "attaching the adapter", "evaluating",
    ]  # fmt: skip
    assert ("tokenizing", 0, rows) in job.told
    counted = [told for told in job.told if told[0] == "evaluating"]
    assert (counted[0], counted[-1]) == (("evaluating", 0, rows), ("evaluating", rows, rows))


def test_an_evaluation_of_a_loss_counts_its_rows(llama: LoadedModel, write_rows: WriteRows) -> None:
    data = write_rows([{"text": f"row {number}"} for number in range(300)], "text")
    job = Stages()
    evaluated(llama, data, job=job)
    counted = [rows for stage, rows, _ in job.told if stage == "evaluating"]
    assert counted[0] == 0
    assert {256, 300} <= set(counted)


def test_a_data_set_that_cannot_be_asked_fails_with_the_knob(llama: LoadedModel, data: DatasetFile) -> None:
    with pytest.raises(JobFailed) as failed:
        evaluated(llama, data, max_seq_length=8)
    assert failed.value.failure.code == FailureCode.DATASET_INVALID
    assert "max_seq_length" in failed.value.failure.remedy
