"""What a job's work makes of files that the worker may not read, and which loads count as others do."""

from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from services.worker.failures import Failure, FailureCode, JobFailed
from services.worker.process.job_metrics import observe_loads
from services.worker.process.work import _told_how_it_ended, _unreadable
from services.worker.running_job import JobCancelled, WorkerDraining
from shared.messages.message import say
from shared.settings import Settings
from tests.worker.diagnosis.diagnosed import healthy, trial


def test_a_user_s_file_that_may_not_be_read_fails_the_job_with_a_remedy(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    path = tmp_path / "models" / "base" / "model.safetensors"
    failed = _unreadable(PermissionError(13, "Permission denied", str(path)), settings, "x")
    assert isinstance(failed, JobFailed)
    assert failed.failure.code == FailureCode.MODEL_UNREADABLE
    assert str(path) in failed.failure.message
    assert f"chmod -R a+rX {path.parent}" in failed.failure.remedy


def test_a_user_s_file_that_vanished_fails_the_job_with_a_remedy(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    path = tmp_path / "models" / "base" / "model.safetensors"
    failed = _unreadable(FileNotFoundError(2, "No such file or directory", str(path)), settings, "x")
    assert isinstance(failed, JobFailed)
    assert f"{path} vanished" in failed.failure.message
    ours = FileNotFoundError(2, "No such file or directory", str(tmp_path / "data" / "jobs" / "x" / "tokens"))
    assert _unreadable(ours, settings, "x") is ours


def test_a_file_of_our_own_stays_a_fault_of_ours(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    error = PermissionError(13, "Permission denied", str(tmp_path / "data" / "jobs" / "x" / "tokens"))
    assert _unreadable(error, settings, "x") is error
    assert _unreadable(PermissionError("without a name"), settings, "x").args == ("without a name",)


@pytest.mark.parametrize("name", ["spec.json", "rows/training.jsonl"])
def test_a_job_whose_spec_or_rows_were_removed_says_so(tmp_path: Path, name: str) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    path = tmp_path / "data" / "jobs" / "x" / name
    failed = _unreadable(FileNotFoundError(2, "No such file or directory", path), settings, "x")
    assert isinstance(failed, JobFailed)
    assert failed.failure.code == FailureCode.JOB_FILES_LOST
    assert name in failed.failure.message
    assert "Submit the job again" in failed.failure.remedy


def test_how_a_job_ended_is_told_and_telling_it_changes_nothing(tmp_path: Path) -> None:
    settings, told = Settings(data_dir=tmp_path), list[FailureCode | None]()

    def tell(failure: Failure | None) -> None:
        told.append(failure.code if failure else None)
        raise OSError("no space left")

    failed = JobFailed(FailureCode.DIVERGED, say("device-memory-too-small"), say("use-less-memory"))
    for error in (failed, JobCancelled(), WorkerDraining(), ZeroDivisionError()):
        with pytest.raises(type(error)), _told_how_it_ended(tell, settings, "x"):
            raise error
    assert told == [FailureCode.DIVERGED, None, FailureCode.INTERNAL]


@pytest.mark.parametrize("cold", [True, False])
def test_a_load_that_a_diagnosis_made_cold_is_told_from_one_of_files_as_they_lay(cold: bool) -> None:
    def counted(name: str, source: str) -> float:
        return REGISTRY.get_sample_value(f"tunedock_model_{name}", {"source": source}) or 0.0

    names = ("load_duration_seconds_count", "staged_loads_total")
    sources = ("hub_cache", "artifact")
    before = [counted(name, source) for name in names for source in sources]
    run = trial(read=1.0).model_copy(update={"cold_wanted": cold})
    observe_loads(healthy(trial=run, prepared=(run,)))
    after = [counted(name, source) for name in names for source in sources]
    added = [new - old for new, old in zip(after, before, strict=True)]
    assert added == [1, 1, cold, 1]  # a copy's file is put out of memory or into it, whatever was asked for
