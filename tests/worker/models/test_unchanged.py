"""A file that was touched between a check and its use is noticed, however it was touched."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from services.worker.failures import FailureCode, JobFailed
from services.worker.models.files.unchanged import UnchangedFiles, disk_errors_explained


def overwrite_and_set_the_time_back(file: Path) -> None:
    before = file.stat()
    file.write_bytes(b"other")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def replace(file: Path) -> None:
    other = file.with_name("other")
    other.write_bytes(b"other")
    other.replace(file)


CHANGES: dict[str, Callable[[Path], object]] = {
    "overwritten, its time set back": overwrite_and_set_the_time_back,
    "replaced": replace,
    "truncated": lambda file: os.truncate(file, 1),
    "longer": lambda file: os.truncate(file, 100),
    "gone": Path.unlink,
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"value")
    return path


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_is_noticed(file: Path, change: str) -> None:
    watched = UnchangedFiles([file])
    watched.require()
    CHANGES[change](file)
    with pytest.raises(JobFailed, match=r"model\.safetensors was changed or replaced") as failed:
        watched.require()
    assert failed.value.failure.code == FailureCode.MODEL_UNREADABLE


def test_reading_changes_nothing(file: Path) -> None:
    watched = UnchangedFiles([file])
    file.read_bytes()
    os.utime(file.parent)
    watched.require()


def test_a_link_is_followed(file: Path) -> None:
    link = file.with_name("link")
    link.symlink_to(file.name)
    watched = UnchangedFiles([link])
    replace(file)
    with pytest.raises(JobFailed):
        watched.require()


def test_a_disk_that_fails_is_told_as_such() -> None:
    with pytest.raises(JobFailed, match="Input/output error") as failed, disk_errors_explained():
        raise OSError(errno.EIO, "Input/output error", "/models/x/model.safetensors")
    assert "dmesg" in failed.value.failure.remedy
