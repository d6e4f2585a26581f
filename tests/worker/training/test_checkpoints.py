"""A checkpoint is whole or not there, and good for its own run only."""

import random
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from services.worker.machine.disk_full import is_disk_full
from services.worker.training.checkpoints import CheckpointFolder, Snapshot
from shared import sealed_folder
from shared.job_folder import JobFolder
from shared.messages.message import say

FINGERPRINT = {"rows": "abc", "hyperparameters": {"seed": 1}}


def folder(path: Path, attempt: int = 1, **changed: object) -> CheckpointFolder:
    return CheckpointFolder(JobFolder(path), attempt, {**FINGERPRINT, **changed})


def snapshot(step: int, value: float = 1.0) -> Snapshot:
    tensors = {"layer.weight": torch.full((8, 4), value + step)}
    return Snapshot(step, tensors, {"exp_avg:layer.weight": torch.rand(8, 4)}, {"run": {"step": step}})


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    written = snapshot(5)
    folder(tmp_path).write(written)
    read, rejected = folder(tmp_path, attempt=2).newest()
    assert rejected == []
    assert read is not None
    assert (read.step, read.state) == (5, {"run": {"step": 5}})
    assert torch.equal(read.adapter["layer.weight"], written.adapter["layer.weight"])
    assert torch.equal(read.optimizer["exp_avg:layer.weight"], written.optimizer["exp_avg:layer.weight"])


def test_the_last_two_are_kept_and_no_temporary_folder(tmp_path: Path) -> None:
    for step in (5, 10, 15, 100):
        folder(tmp_path).write(snapshot(step))
    assert sorted(path.name for path in (tmp_path / "checkpoints").iterdir()) == ["step-100", "step-15"]
    assert list((tmp_path / "attempts" / "1").iterdir()) == []


def test_nothing_to_resume_from_is_no_rejection(tmp_path: Path) -> None:
    assert folder(tmp_path).newest() == (None, [])


def test_a_checkpoint_torn_anywhere_is_never_chosen(tmp_path: Path) -> None:
    """Each file cut at random places, or a byte changed: the one before is used."""
    for step in (5, 10):
        folder(tmp_path).write(snapshot(step))
    good = tmp_path / "checkpoints" / "step-10"
    spare = tmp_path / "spare"
    shutil.copytree(good, spare)
    chance = random.Random(0)
    for _ in range(100):
        victim = chance.choice(sorted(good.iterdir()))
        content = victim.read_bytes()
        at = chance.randrange(len(content))
        torn = (
            content[:at]
            if chance.random() < 0.5
            else content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
        )
        victim.write_bytes(torn)
        found, rejected = folder(tmp_path).newest()
        # A changed digit of a manifest's own facts (its attempt, say) does not touch the state it seals.
        if victim.name == "manifest.json" and found is not None and found.step == 10:
            assert sealed_folder.verified_manifest(good) is not None
        else:
            assert found is not None
            assert found.step == 5
            assert len(rejected) == 1
        shutil.rmtree(good)
        shutil.copytree(spare, good)


@pytest.mark.parametrize(
    "missing", ["adapter_model.safetensors", "optimizer.safetensors", "state.json", "manifest.json"]
)
def test_a_checkpoint_without_one_of_its_files_is_not_chosen(tmp_path: Path, missing: str) -> None:
    folder(tmp_path).write(snapshot(5))
    (tmp_path / "checkpoints" / "step-5" / missing).unlink()
    assert folder(tmp_path).newest() == (None, [say("checkpoint-damaged", step=5)])


def test_a_checkpoint_of_another_run_is_passed_over(tmp_path: Path) -> None:
    folder(tmp_path).write(snapshot(5))
    found, rejected = folder(tmp_path, rows="other").newest()
    assert found is None
    assert rejected == [say("checkpoint-of-other-run", step=5)]


def test_a_step_done_again_keeps_the_checkpoint_that_is_whole(tmp_path: Path) -> None:
    folder(tmp_path).write(snapshot(5, value=1.0))
    folder(tmp_path, attempt=2).write(snapshot(5, value=2.0))
    found, _ = folder(tmp_path).newest()
    assert found is not None
    assert found.adapter["layer.weight"][0, 0] == 6.0


@pytest.mark.parametrize("reason", ["damaged", "another run"])
def test_a_step_done_again_replaces_a_checkpoint_that_is_no_good(tmp_path: Path, reason: str) -> None:
    folder(tmp_path, rows="other" if reason == "another run" else "abc").write(snapshot(5, value=1.0))
    if reason == "damaged":
        (tmp_path / "checkpoints" / "step-5" / "state.json").write_text("{}")
    folder(tmp_path, attempt=2).write(snapshot(5, value=2.0))
    found, rejected = folder(tmp_path).newest()
    assert found is not None
    assert (float(found.adapter["layer.weight"][0, 0]), rejected) == (7.0, [])


def test_what_dead_attempts_left_half_written_is_removed(tmp_path: Path) -> None:
    for name in ("1/ckpt.tmp-5", "1/adapter.tmp", "2/adapter-llama.tmp", "2/kept"):
        (tmp_path / "attempts" / name).mkdir(parents=True)
    folder(tmp_path, attempt=3).clear_leftovers()
    assert sorted(path.name for path in tmp_path.glob("attempts/*/*")) == ["kept"]


def test_a_full_disk_leaves_no_trace_of_a_checkpoint(tmp_path: Path) -> None:
    folder(tmp_path).write(snapshot(5))
    with files_limited_to(300), pytest.raises(OSError, match="File too large") as error:
        folder(tmp_path).write(snapshot(10))
    assert is_disk_full(error.value)
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step-5"]
    assert list((tmp_path / "attempts" / "1").iterdir()) == []


@contextmanager
def files_limited_to(size: int) -> Iterator[None]:
    """A disk with no room for larger files, as the kernel itself enforces it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
