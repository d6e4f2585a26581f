"""What is durable stays after a power loss, contents and names; what was taken back does not return."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shared import removal
from shared.adapters import hold
from shared.durable import make_folder, write_durably, write_private, write_private_once
from shared.ended_copy import EndedCopy, ended_copy, keep_ended_copy
from shared.job_folder import JOB_MARK, JobFolder
from shared.old_uploads import discard_upload
from shared.sealed_folder import promise_no, publish, seal, verified_manifest
from tests.adapter_folders import ADAPTER_FILES
from tests.power_loss import ForgetfulDisk

Write = Callable[[Path], object]
WRITES: dict[str, Write] = {
    "durably": lambda path: write_durably(path, b"whole"),
    "private": lambda path: write_private(path, "whole"),
    "once": lambda path: write_private_once(path, "whole"),
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "disk"
    folder.mkdir()
    return folder


@pytest.fixture
def disk(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ForgetfulDisk]:
    disk = ForgetfulDisk(root, monkeypatch)
    yield disk
    disk.close()


def sealed(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for name in ADAPTER_FILES:
        (folder / name).write_text(f"{name} of {folder.name}")
    seal(folder, {})
    return folder


def test_the_disk_forgets_what_nobody_brought_to_it(root: Path, disk: ForgetfulDisk, tmp_path: Path) -> None:
    """Else the tests below would show nothing."""
    (root / "plain").write_text("lost")
    (root / "folder").mkdir()
    write_durably(root / "folder" / "unreachable", b"lost")
    assert list(disk.after_power_loss(tmp_path / "after").iterdir()) == []
    write_durably(root / "kept", b"whole")
    left = disk.after_power_loss(tmp_path / "later")
    assert (left / "kept").read_bytes() == b"whole"
    assert (left / "plain").read_bytes() == b""  # its name came along, what was in it did not
    assert (left / "folder" / "unreachable").read_bytes() == b"lost"


@pytest.mark.parametrize("name", WRITES)
def test_a_file_that_was_written_for_good_stays_whole(
    root: Path, disk: ForgetfulDisk, tmp_path: Path, name: str
) -> None:
    make_folder(root / "new" / "folder")
    WRITES[name](root / "new" / "folder" / "file")
    left = disk.after_power_loss(tmp_path / "after")
    assert (left / "new" / "folder" / "file").read_text() == "whole"


def test_a_private_file_that_makes_its_own_folder_stays(
    root: Path, disk: ForgetfulDisk, tmp_path: Path
) -> None:
    """The API's key: a new one would lock everybody out."""
    assert write_private_once(root / "data" / "api.key", "key")
    assert (disk.after_power_loss(tmp_path / "after") / "data" / "api.key").read_text() == "key"


def test_a_sealed_folder_that_was_published_verifies(root: Path, disk: ForgetfulDisk, tmp_path: Path) -> None:
    publish(sealed(root / "draft"), root / "adapter")
    left = disk.after_power_loss(tmp_path / "after")
    assert verified_manifest(left / "adapter") is not None


def test_a_sealed_folder_stays_one_when_a_file_is_promised_no_more(
    root: Path, disk: ForgetfulDisk, tmp_path: Path
) -> None:
    publish(sealed(root / "draft"), root / "step-5")
    promise_no(root / "step-5", ADAPTER_FILES[1])
    (root / "step-5" / ADAPTER_FILES[1]).unlink()
    manifest = verified_manifest(disk.after_power_loss(tmp_path / "after") / "step-5")
    assert manifest is not None
    assert list(manifest["files"]) == [ADAPTER_FILES[0]]


def test_an_adapter_that_a_job_took_hold_of_stays(root: Path, disk: ForgetfulDisk, tmp_path: Path) -> None:
    job = JobFolder(root / "job")
    job.path.mkdir()
    publish(sealed(root / "draft"), root / "adapter")
    hold(root / "adapter", job)
    write_durably(job.spec, b"{}", along=(root,))
    left = disk.after_power_loss(tmp_path / "after")
    assert verified_manifest(JobFolder(left / "job").start) is not None


def test_a_copy_of_how_a_job_ended_stays(root: Path, disk: ForgetfulDisk, tmp_path: Path) -> None:
    job = JobFolder(root / "job-1")
    make_folder(job.path)
    copy = EndedCopy(id="job-1", status="succeeded", attempt=2, at=7.0, result={"steps": 3})
    keep_ended_copy(job, copy)
    assert ended_copy(JobFolder(disk.after_power_loss(tmp_path / "after") / "job-1")) == copy


def test_the_mark_of_a_deletion_that_was_refused_does_not_return(
    root: Path, disk: ForgetfulDisk, tmp_path: Path
) -> None:
    """A sweep would go on with the deletion, of which the user was told that it did not happen."""
    job = JobFolder(root / "job")
    make_folder(job.path)
    removal._mark(job, JOB_MARK)
    assert JobFolder(disk.after_power_loss(tmp_path / "marked") / "job").mark(JOB_MARK).exists()
    removal._unmark(job, JOB_MARK)
    assert not JobFolder(disk.after_power_loss(tmp_path / "refused") / "job").mark(JOB_MARK).exists()


def test_an_upload_that_was_deleted_does_not_return(root: Path, disk: ForgetfulDisk, tmp_path: Path) -> None:
    make_folder(root / "file-a")
    write_durably(root / "file-a" / "content", b"rows")
    discard_upload(root / "file-a")
    left = disk.after_power_loss(tmp_path / "after")
    assert not (left / "file-a").exists()
