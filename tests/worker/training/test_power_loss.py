"""What a training saved stays after a power loss: checkpoints, rendered rows, the numbers of its steps."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from services.worker.process.journal import Journal
from services.worker.text.marked_text import TokenRow
from services.worker.text.row_counts import RowCounts
from services.worker.text.rows import TokenRows
from services.worker.training.checkpoints import CheckpointFolder, Snapshot
from services.worker.training.kept_rows import keep_rows, kept_rows
from shared.durable import make_folder
from shared.job_folder import JobFolder
from shared.job_records import WorkerEvent
from shared.journal import journal_events
from tests.power_loss import ForgetfulDisk

FINGERPRINT = {"rows": "abc"}


@pytest.fixture
def job(tmp_path: Path) -> JobFolder:
    return JobFolder(tmp_path / "disk" / "jobs" / "job")


@pytest.fixture
def disk(job: JobFolder, monkeypatch: pytest.MonkeyPatch) -> Iterator[ForgetfulDisk]:
    root = job.path.parents[1]
    root.mkdir()
    disk = ForgetfulDisk(root, monkeypatch)
    make_folder(job.path)
    yield disk
    disk.close()


def after(disk: ForgetfulDisk, tmp_path: Path) -> JobFolder:
    return JobFolder(disk.after_power_loss(tmp_path / "after") / "jobs" / "job")


@pytest.mark.parametrize("steps", [(5,), (5, 10, 15)])
def test_the_newest_checkpoint_is_the_one_that_was_told(
    job: JobFolder, disk: ForgetfulDisk, tmp_path: Path, steps: tuple[int, ...]
) -> None:
    for step in steps:
        tensors = {"layer.weight": torch.full((8, 4), float(step))}
        CheckpointFolder(job, 1, FINGERPRINT).write(Snapshot(step, tensors, tensors, {"run": {"step": step}}))
    read, rejected = CheckpointFolder(after(disk, tmp_path), 2, FINGERPRINT).newest()
    assert rejected == []
    assert read is not None
    assert read.step == steps[-1]
    assert torch.equal(read.adapter["layer.weight"], torch.full((8, 4), float(steps[-1])))


def test_steps_that_the_store_may_forget_are_in_the_journal(
    job: JobFolder, disk: ForgetfulDisk, tmp_path: Path
) -> None:
    journal = Journal(job.attempt(1).journal)
    for number in (1, 2, 3):
        journal.append(WorkerEvent(number, "info", "metrics", "", {"step": number}, float(number)))
        if number == 2:
            journal.sync()
    left = list(journal_events(after(disk, tmp_path).attempt(1).journal))
    assert [event.data["step"] for event in left] == [1, 2]


def test_rendered_rows_are_kept_whole(job: JobFolder, disk: ForgetfulDisk, tmp_path: Path) -> None:
    row = TokenRow(torch.arange(3, dtype=torch.int32).numpy(), torch.ones(3, dtype=torch.bool).numpy())
    keep_rows(job, 1, {"made": 1}, {"training": TokenRows([row], RowCounts.of({}))})
    kept = kept_rows(after(disk, tmp_path), {"made": 1})
    assert kept is not None
    assert kept["training"].rows[0].ids.tolist() == [0, 1, 2]
