"""A run is predicted before its first step; a dry run ends there, and leaves nothing."""

from pathlib import Path
from typing import Any

import pytest

from services.worker.models.load import LoadedModel
from services.worker.running_job import JobCancelled
from services.worker.training import foretold as foretold_module
from services.worker.training.fine_tuning import fine_tune
from services.worker.training.saving_time import times_saved
from shared.job_folder import JobFolder
from shared.reports.dry_run import DryRun
from shared.reports.fine_tuning import Training
from shared.reports.stored import read_stored
from shared.schemas.hyperparameters import Hyperparameters
from shared.schemas.requests import FineTuningRequest
from tests.worker.training.tiny_bases import RecordedJob, Rows, WriteRows

REQUEST = FineTuningRequest(
    dataset="spam", hyperparameters=Hyperparameters(n_epochs=2, global_batch_size=8, max_seq_length=64)
)


def run(
    base: LoadedModel,
    rows: Rows,
    write_rows: WriteRows,
    folder: Path,
    job: RecordedJob,
    **asked: Any,
) -> dict[str, Any]:
    return fine_tune(
        base,
        REQUEST.model_copy(update=asked),
        training=write_rows(rows, "classification"),
        validation=None,
        job_folder=JobFolder(folder),
        attempt=1,
        checkpoint_seconds=1000,
        job=job,
    )


def test_a_dry_run_tells_what_training_would_take_and_leaves_nothing(
    llama_nf4: LoadedModel, write_rows: WriteRows, spam_rows: Rows, tmp_path: Path
) -> None:
    job, folder = RecordedJob(), tmp_path / "job"
    folder.mkdir()
    told = read_stored(DryRun, run(llama_nf4, spam_rows, write_rows, folder, job, dry_run=True))
    assert (told.dry_run, told.rows, told.steps, told.rows_per_step) == (True, 40, 10, 8)
    assert 0 < told.tokens.mean <= told.tokens.p95 <= told.tokens.longest <= 64
    assert (told.plan["name"], told.max_seq_length) == ("auto", 64)
    assert told.run_seconds is not None
    assert told.step_seconds is not None
    saving = told.run_seconds - 10 * told.step_seconds
    assert 0 < saving < told.run_seconds
    memory = told.memory
    assert all((memory.weights, memory.embedding, memory.adapter_and_optimizer, memory.activations))
    assert memory.limit is not None
    assert memory.peak is not None
    assert memory.peak < memory.limit
    assert told.fits
    assert list(folder.iterdir()) == []
    assert "training" not in job.stages
    assert job.checkpoints == []


def test_a_run_keeps_what_was_told_beside_what_happened(
    llama_nf4: LoadedModel, write_rows: WriteRows, spam_rows: Rows, tmp_path: Path
) -> None:
    """By the plan whose micro-batches are all of one size: for each new size oneDNN keeps new kernels."""
    job = RecordedJob()
    result = run(llama_nf4, spam_rows, write_rows, tmp_path / "job", job, plan="baseline")
    predictions = read_stored(Training, result).predictions
    assert [(one.quantity, one.when) for one in predictions] == [
        ("step_seconds", "start"),
        ("run_seconds", "start"),
        ("peak_memory_bytes", "start"),
        ("run_seconds", "5 %"),
    ]
    assert all(one.predicted > 0 and one.measured for one in predictions)
    peak = predictions[2]
    assert peak.error_ratio == pytest.approx(0, abs=0.1)
    assert "predicted" in job.codes()
    parts = predictions[1].parts
    assert {part.part for part in parts} >= {"steps", "saving", "reporting", "other"}
    assert sum(part.predicted for part in parts) == pytest.approx(predictions[1].predicted)
    assert sum(part.measured or 0 for part in parts) == pytest.approx(predictions[1].measured)


def test_checkpoints_are_counted_by_the_time_between_them() -> None:
    assert times_saved(100, step_seconds=1.0, longest=1000, saving=0.1) == 50  # 2 % of the run apart
    assert times_saved(100, step_seconds=1.0, longest=1000, saving=1.0) == 6  # 5 % of the time at most
    assert times_saved(100, step_seconds=1.0, longest=1.0, saving=0.01) == 100
    assert times_saved(1, step_seconds=10.0, longest=600, saving=1.0) == 1


def test_a_model_that_can_not_be_tried_is_trained_all_the_same(
    llama_nf4: LoadedModel,
    write_rows: WriteRows,
    spam_rows: Rows,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(*arguments: Any, **more: Any) -> None:
        raise NotImplementedError("no such operator")

    monkeypatch.setattr(foretold_module, "forecast", fails)
    result = run(llama_nf4, spam_rows, write_rows, tmp_path / "job", job := RecordedJob())
    assert "not_predicted" in job.codes()
    assert any("no such operator" in message for message, _ in job.events)
    assert result["steps"] == 10
    assert result["predictions"] == []


def test_a_cancel_during_the_prediction_is_obeyed(
    llama_nf4: LoadedModel,
    write_rows: WriteRows,
    spam_rows: Rows,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def cancelled(*arguments: Any, **more: Any) -> None:
        raise JobCancelled

    monkeypatch.setattr(foretold_module, "forecast", cancelled)
    with pytest.raises(JobCancelled):
        run(llama_nf4, spam_rows, write_rows, tmp_path / "job", RecordedJob())
