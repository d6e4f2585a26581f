"""What a job's work makes of files that the worker may not read."""

from pathlib import Path

from services.worker.failures import FailureCode, JobFailed
from services.worker.work import _unreadable
from shared.settings import Settings


def test_a_user_s_file_that_may_not_be_read_fails_the_job_with_a_remedy(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    path = tmp_path / "models" / "base" / "model.safetensors"
    failed = _unreadable(PermissionError(13, "Permission denied", str(path)), settings)
    assert isinstance(failed, JobFailed)
    assert failed.failure.code == FailureCode.MODEL_UNREADABLE
    assert str(path) in failed.failure.message
    assert f"chmod -R a+rX {path.parent}" in failed.failure.remedy


def test_a_user_s_file_that_vanished_fails_the_job_with_a_remedy(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    path = tmp_path / "models" / "base" / "model.safetensors"
    failed = _unreadable(FileNotFoundError(2, "No such file or directory", str(path)), settings)
    assert isinstance(failed, JobFailed)
    assert f"{path} vanished" in failed.failure.message
    ours = FileNotFoundError(2, "No such file or directory", str(tmp_path / "data" / "jobs" / "x"))
    assert _unreadable(ours, settings) is ours


def test_a_file_of_our_own_stays_a_fault_of_ours(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    error = PermissionError(13, "Permission denied", str(tmp_path / "data" / "jobs" / "x"))
    assert _unreadable(error, settings) is error
    assert _unreadable(PermissionError("without a name"), settings).args == ("without a name",)
