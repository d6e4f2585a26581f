"""Reports of trainings whose process died or hung, from their journals, on a real store."""

import json
from pathlib import Path
from typing import Any

import pytest

from services.worker.process.lost_runs import LostRuns
from services.worker.process.paths import state_file
from shared.job_folder import JobFolder
from shared.job_records import Claim, WorkerEvent
from shared.jobs import new_job_id
from shared.journal import journal_line
from shared.reports.stored import read_stored
from shared.reports.training import TrainingReport
from shared.reports.training_text import training_text
from shared.schemas.requests import FineTuningRequest
from shared.settings import Settings
from shared.worker_store import WorkerStore

STEPS = 3


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data")


@pytest.fixture
def lost_runs(settings: Settings, store: WorkerStore) -> LostRuns:
    return LostRuns(settings, store)


def begin(store: WorkerStore) -> Claim:
    job_id = new_job_id("fine_tuning")
    store.submit(
        job_id, FineTuningRequest(model="tiny", dataset="spam"), owner="me", idempotency_key=None,
        fingerprint=job_id, is_retry=False, max_queued_jobs=10,
    )  # fmt: skip
    claimed = store.claim(host="a", boot="1", nonce=job_id, lease_seconds=45)
    assert isinstance(claimed, Claim)
    return claimed


def die(store: WorkerStore) -> None:
    assert store.recover(host="a", boot="2", crash_limit=1)


def step(number: int) -> dict[str, Any]:
    return {
        "step": number, "total_steps": 10, "train_loss": 3.0 / number, "step_seconds": 0.5, "real_tokens": 90,
        "computed_tokens": 100, "target_tokens": 20, "phase_seconds": {"forward": 0.2, "backward": 0.3},
        "between_seconds": {},
    }  # fmt: skip


def write_journal(folder: JobFolder) -> None:
    journal = folder.attempt(1).journal
    journal.parent.mkdir(parents=True)
    steps = [WorkerEvent(n, "info", "metrics", "", step(n)) for n in range(1, STEPS + 1)]
    journal.write_bytes(b"".join(map(journal_line, steps)))


def tell_device(settings: Settings) -> None:
    state_file(settings.data_dir, settings.worker_host).write_text(json.dumps({"device": "cpu"}))


def report_in(folder: JobFolder) -> TrainingReport:
    return read_stored(TrainingReport, json.loads(folder.report.read_bytes()))


def test_a_training_whose_worker_died_has_a_report_of_its_steps_and_its_end(
    lost_runs: LostRuns, settings: Settings, store: WorkerStore
) -> None:
    tell_device(settings)
    folder = JobFolder.of(settings.data_dir, begin(store).job_id)
    write_journal(folder)
    die(store)
    lost_runs.round()
    report = report_in(folder)
    assert report.ended is not None
    assert (report.ended.code, report.facts.made_steps, report.summary.total_steps) == ("poison", STEPS, 10)
    assert [point.loss for point in report.facts.points] == [3.0, 1.5, 1.0]
    told = " ".join(training_text(report).split())
    assert "The job failed after 3 of 10 steps. The worker died in 1 attempt" in told
    assert "Lower max_seq_length" in told


def test_one_that_died_before_its_first_step_has_a_report_of_its_end(
    lost_runs: LostRuns, settings: Settings, store: WorkerStore
) -> None:
    tell_device(settings)
    folder = JobFolder.of(settings.data_dir, begin(store).job_id)
    folder.path.mkdir(parents=True)
    die(store)
    lost_runs.round()
    assert "The job failed before a step was timed." in training_text(report_in(folder))


def test_a_report_waits_for_the_device_s_name_and_is_written_once(
    lost_runs: LostRuns, settings: Settings, store: WorkerStore
) -> None:
    folder = JobFolder.of(settings.data_dir, begin(store).job_id)
    folder.path.mkdir(parents=True)
    die(store)
    lost_runs.round()
    assert not folder.report.exists()
    tell_device(settings)
    lost_runs.round()
    assert report_in(folder).facts.device.name == "cpu"
    folder.report.write_text("{}")
    lost_runs.round()
    assert folder.report.read_text() == "{}"


def test_a_job_that_failed_in_another_way_is_left_to_whoever_failed_it(
    lost_runs: LostRuns, settings: Settings, store: WorkerStore
) -> None:
    tell_device(settings)
    claim = begin(store)
    folder = JobFolder.of(settings.data_dir, claim.job_id)
    folder.path.mkdir(parents=True)
    store.finish(claim, "failed", message="No", error={"code": "diverged", "message": "No", "remedy": "Yes"})
    lost_runs.round()
    assert not folder.report.exists()
