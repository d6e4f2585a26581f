"""The report of a fine-tuning: stages, steps of all attempts, what lay between, and that it costs no job."""

import json
import time
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from typing import Any, Literal

import pytest
import torch

from services.worker.explaining.books import TrainingBooks
from services.worker.explaining.run_steps import drawn, run_steps
from services.worker.failures import Failure, FailureCode
from services.worker.models.load import LoadedModel
from services.worker.process.journal import Journal
from services.worker.running_job import JobCancelled, JobStopped, JsonValue, Level, WorkerDraining
from services.worker.text.dataset_file import DatasetFile
from services.worker.training.account import RunAccount
from services.worker.training.fine_tuning import fine_tune
from shared.job_folder import JobFolder
from shared.job_records import WorkerEvent
from shared.messages.message import Message, say, stored
from shared.reports.stored import read_stored
from shared.reports.training import Ended, TrainingReport
from shared.reports.training_facts import StepPoint
from shared.schemas.hyperparameters import Hyperparameters, Lora
from shared.schemas.requests import FineTuningRequest
from tests.worker.training.tiny_bases import RecordedJob, Rows, WriteRows

CPU = torch.device("cpu")
REQUEST = FineTuningRequest(
    dataset="spam",
    hyperparameters=Hyperparameters(
        n_epochs=2, global_batch_size=8, learning_rate=5e-3, max_seq_length=128, lora=Lora(r=4, alpha=8)
    ),
)


class Journaled(RecordedJob):
    """Writes its attempt's journal as the worker does."""

    def __init__(self, folder: JobFolder, attempt: int, **order: Any) -> None:
        super().__init__(**order)
        self._journal, self._numbers = Journal(folder.attempt(attempt).journal), count(1)

    def event(
        self,
        message: str | Message,
        *,
        level: Level = "info",
        type: Literal["message", "metrics"] = "message",
        data: Mapping[str, JsonValue] | None = None,
    ) -> None:
        super().event(message, level=level, type=type, data=data)
        event = WorkerEvent(next(self._numbers), level, type, stored(message), dict(data or {}), time.time())
        self._journal.append(event)


@pytest.fixture
def data(write_rows: WriteRows, spam_rows: Rows) -> DatasetFile:
    """Forty rows: two epochs of five steps."""
    return write_rows(spam_rows, "classification")


def trained(
    base: LoadedModel, data: DatasetFile, folder: JobFolder, *, attempt: int = 1, **order: Any
) -> tuple[TrainingReport, float]:
    """The report, and the wall seconds of the whole job."""
    started, report = time.perf_counter(), Journaled(folder, attempt, **order)
    run(base, data, folder, attempt, report)
    wall = time.perf_counter() - started
    return read_stored(TrainingReport, json.loads(folder.report.read_text())), wall


def run(
    base: LoadedModel,
    data: DatasetFile,
    folder: JobFolder,
    attempt: int,
    report: Journaled,
    books: Callable[[int, JobFolder, Journaled], TrainingBooks] = TrainingBooks,
) -> dict[str, Any]:
    kept = books(attempt, folder, report)
    kept.base = base
    return fine_tune(
        base, REQUEST, training=data, validation=data, job_folder=folder, attempt=attempt,
        checkpoint_seconds=0.0, job=report, bookkeeper=kept,
    )  # fmt: skip


def test_stages_steps_and_what_lies_between_add_up_to_the_job(
    llama_nf4: LoadedModel, data: DatasetFile, tmp_path: Path
) -> None:
    report, wall = trained(llama_nf4, data, JobFolder(tmp_path / "job"))
    facts = report.facts
    assert facts.stages.keys() == {
        "data_load", "tokenizing", "kbit_preparation", "lora", "set_up", "training", "collating",
    }  # fmt: skip
    assert facts.wall_seconds == pytest.approx(wall, rel=0.2)
    assert facts.unseen_seconds is not None
    assert facts.unseen_seconds < 0.2 * wall
    between = sum(facts.between_seconds.values())
    assert facts.steps_seconds is not None
    assert facts.steps_seconds + between == pytest.approx(facts.stages["training"], rel=0.25)
    assert 0 < facts.stages["collating"] < facts.stages["training"]
    assert facts.between_seconds.keys() == {"validation", "saving", "reporting", "other"}
    assert sum(facts.step.phase_seconds.values()) == pytest.approx(facts.step.step_seconds)
    assert report.summary.run_seconds == pytest.approx(facts.steps_seconds + between)


def test_every_step_is_drawn_with_what_disturbed_it(
    llama_nf4: LoadedModel, data: DatasetFile, tmp_path: Path
) -> None:
    report, _ = trained(llama_nf4, data, JobFolder(tmp_path / "job"))
    facts = report.facts
    assert [point.step for point in facts.points] == list(range(1, 11))
    assert facts.points[4].disturbed == "validation"
    assert [step for step, _ in facts.validation] == [5, 10]
    assert facts.step.steps == 9
    assert report.summary.final_loss == facts.points[-1].loss
    assert (facts.total_steps, facts.rows_per_step, facts.tokens.rows) == (10, 8, 40)
    assert facts.tokens.computed_tokens > 0
    assert facts.memory.weights is not None
    assert facts.memory.weights < (facts.memory.peak or 0)
    assert facts.device.achieved_flops_per_second is not None
    assert 0 < (facts.device.achieved_ratio or 0) < 1
    assert facts.settings is None
    assert facts.recomputed_ratio == 0.0
    assert report.text
    assert facts.between_counts["validation"] == 2
    assert 1 <= facts.between_counts["saving"] <= 10
    assert facts.validation_rows == 40
    assert facts.processor_ratio is not None


def test_a_resumed_run_counts_every_step_once_and_all_that_was_done_between(
    llama_nf4: LoadedModel, data: DatasetFile, tmp_path: Path
) -> None:
    folder = JobFolder(tmp_path / "job")
    with pytest.raises(WorkerDraining):
        trained(llama_nf4, data, folder, stop=WorkerDraining, at_step=4)
    report, _ = trained(llama_nf4, data, folder, attempt=2)
    facts = report.facts
    assert [point.step for point in facts.points] == list(range(1, 11))
    assert facts.step.steps == 8  # without both attempts' first ones
    assert facts.steps_seconds is not None
    assert facts.steps_seconds > sum(point.seconds for point in facts.points[4:])
    assert facts.stages["training"] < facts.steps_seconds + sum(facts.between_seconds.values())


def event(number: int, **data: Any) -> WorkerEvent:
    fields = {"computed_tokens": 100, "real_tokens": 80, "train_loss": 1.0, "phase_seconds": {"rest": 1.0}}
    return WorkerEvent(number, "info", "metrics", "", {**fields, **data})


def test_a_step_that_was_done_again_is_the_later_attempt_s(tmp_path: Path) -> None:
    journals = [tmp_path / "1.jsonl", tmp_path / "2.jsonl", tmp_path / "missing.jsonl"]
    first, second = map(Journal, journals[:2])
    for step in range(1, 6):
        first.append(event(step, step=step, step_seconds=1.0, between_seconds={"saving": 0.5}))
    for step in range(4, 8):
        second.append(event(step, step=step, step_seconds=2.0))  # of a release that told no such seconds
    second.append(WorkerEvent(8, "warn", "message", "", {"code": "card_throttled", "step": 6}))
    second.append(WorkerEvent(8, "info", "message", "", {"code": "rendered_row"}))
    second.append(WorkerEvent(9, "info", "metrics", "", {"step": 7, "validation_loss": 0.25}))
    steps = run_steps(journals)
    assert [(point.step, point.seconds) for point in steps.points] == [
        *((step, 1.0) for step in (1, 2, 3)), *((step, 2.0) for step in (4, 5, 6, 7)),
    ]  # fmt: skip
    assert [point.disturbed for point in steps.points] == [
        "saving", "saving", "saving", None, None, "throttled", None,
    ]  # fmt: skip
    assert steps.between_seconds == {"saving": 2.5}
    assert steps.validation == {7: 0.25}
    assert steps.seconds == 11.0
    assert len(steps.steady) == 5


def test_long_runs_are_drawn_as_means_of_neighbours() -> None:
    points = [
        StepPoint(
            step=step, seconds=float(step % 2), computed_tokens=4, real_tokens=2,
            loss=None if step == 1 else 2.0, disturbed="saving" if step == 4 else None,
        )
        for step in range(1, 2001)
    ]  # fmt: skip
    means = drawn(points)
    assert len(means) == 500
    assert means[0] == StepPoint(
        step=4, seconds=0.5, computed_tokens=4, real_tokens=2, loss=2.0, disturbed="saving"
    )
    assert means[-1].step == 2000
    assert drawn(points[:600]) == tuple(points[:600])


class OnAFullDisk(TrainingBooks):
    def published(self, account: RunAccount) -> None:
        self._folder.report.mkdir()  # in its place
        super().published(account)


@pytest.mark.parametrize("stop", [None, WorkerDraining])
def test_a_report_that_can_t_be_written_costs_no_adapter(
    llama_nf4: LoadedModel, data: DatasetFile, tmp_path: Path, stop: type[JobStopped] | None
) -> None:
    class Warned(Journaled):
        def event(self, message: str | Message, **details: Any) -> None:
            super().event(message, **details)
            if stop is not None and details.get("level") == "warn":
                raise stop

    folder = JobFolder(tmp_path / "job")
    report = Warned(folder, 1)
    result = run(llama_nf4, data, folder, 1, report, OnAFullDisk)
    assert result["steps"] == 10
    assert folder.adapter.exists()
    assert report.codes()[-1] == "report_not_kept"
    assert "could not be kept" in report.events[-1][0]


def ended(folder: JobFolder) -> TrainingReport:
    return read_stored(TrainingReport, json.loads(folder.report.read_text()))


def test_a_run_that_was_cancelled_tells_what_was_done_until_then(
    llama_nf4: LoadedModel, data: DatasetFile, tmp_path: Path
) -> None:
    folder = JobFolder(tmp_path / "job")
    books = TrainingBooks(1, folder, report := Journaled(folder, 1, stop=JobCancelled, at_step=4))
    books.base = llama_nf4
    with pytest.raises(JobCancelled):
        run(llama_nf4, data, folder, 1, report, lambda *_: books)
    books.ended(None, "tiny", CPU)
    told = ended(folder)
    assert told.ended == Ended(status="cancelled")
    assert (told.facts.made_steps, told.facts.total_steps) == (4, 10)
    assert [point.step for point in told.facts.points] == [1, 2, 3, 4]
    assert told.facts.stages["training"] > 0
    assert sum(told.facts.step.phase_seconds.values()) == pytest.approx(told.summary.step_seconds)
    measured = {one.quantity: one.measured for one in told.facts.predictions}
    assert measured["step_seconds"] == pytest.approx(sum(point.seconds for point in told.facts.points) / 4)
    assert measured["run_seconds"] is None
    assert "cancelled after 4 of 10 steps" in told.text.replace("\n", " ")


def test_a_job_that_failed_before_its_first_step_tells_why_and_what_to_do(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path / "job")
    folder.path.mkdir()
    books = TrainingBooks(1, folder, Journaled(folder, 1))
    books.stages.turn("model_load")
    failure = Failure(FailureCode.OUT_OF_MEMORY, say("device-memory-too-small"), say("use-less-memory"))
    books.ended(failure, "tiny", CPU)
    told = ended(folder)
    assert told.ended is not None
    assert (told.ended.status, told.ended.code) == ("failed", "out_of_memory")
    assert (told.model, told.facts.made_steps, told.findings, told.checks) == ("tiny", 0, (), ())
    assert told.facts.stages.keys() == {"model_load"}
    for words in (failure.message, failure.remedy):
        assert words in told.text.replace("\n", " ")
