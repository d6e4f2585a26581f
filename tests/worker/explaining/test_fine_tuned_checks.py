"""A fine-tuning's own report has findings, too: of a run that nothing holds up, none but the machine's."""

import json
from pathlib import Path
from typing import Any

from services.worker.explaining.books import TrainingBooks
from services.worker.models.load import LoadedModel
from services.worker.training.fine_tuning import fine_tune
from shared.job_folder import JobFolder
from shared.reports.finding import Finding
from shared.reports.stored import read_stored
from shared.reports.training import TrainingReport
from shared.schemas.hyperparameters import Hyperparameters, Lora
from shared.schemas.requests import FineTuningRequest
from tests.worker.explaining.causes import OF_THE_MACHINE
from tests.worker.explaining.test_fine_tuned import Journaled
from tests.worker.training.tiny_bases import Rows, WriteRows


def found(
    base: LoadedModel, write_rows: WriteRows, rows: Rows, folder: Path, **request: Any
) -> list[Finding]:
    """Without what this machine is doing meanwhile."""
    job = JobFolder(folder)
    report = Journaled(job, attempt=1)
    books = TrainingBooks(1, job, report)
    books.base = base
    hyperparameters = Hyperparameters(
        n_epochs=2, global_batch_size=8, max_seq_length=request.pop("max_seq_length", 128), lora=Lora(r=4)
    )
    fine_tune(
        base,
        FineTuningRequest(dataset="spam", hyperparameters=hyperparameters, **request),
        training=write_rows(rows, "classification"),
        validation=None,
        job_folder=job,
        attempt=1,
        checkpoint_seconds=300.0,
        job=report,
        bookkeeper=books,
    )
    told = read_stored(TrainingReport, json.loads(job.report.read_text()))
    return [finding for finding in told.findings if finding.id not in OF_THE_MACHINE]


def test_a_healthy_fine_tuning_has_no_finding(
    llama_nf4: LoadedModel, write_rows: WriteRows, spam_rows: Rows, tmp_path: Path
) -> None:
    assert found(llama_nf4, write_rows, spam_rows, tmp_path / "job") == []


def test_padding_to_a_maximum_is_found_first_with_the_plan_that_mends_it(
    llama_nf4: LoadedModel, write_rows: WriteRows, spam_rows: Rows, tmp_path: Path
) -> None:
    first, *others = found(llama_nf4, write_rows, spam_rows, tmp_path / "job", plan="baseline")
    assert (first.id, first.severity) == ("padding", "warning")
    assert first.costs_seconds is not None
    assert {other.id for other in others} <= {"recomputation", "head"}


def test_rows_cut_by_the_maximum_are_told(
    llama_nf4: LoadedModel, write_rows: WriteRows, spam_rows: Rows, tmp_path: Path
) -> None:
    long = [{**row, "text": 40 * row["text"]} for row in spam_rows[:8]] + spam_rows[8:]
    told = found(llama_nf4, write_rows, long, tmp_path / "job", max_seq_length=64)
    assert [(finding.id, finding.severity) for finding in told] == [("truncated-rows", "warning")]
