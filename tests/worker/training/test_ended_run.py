"""A job that ended keeps its checkpoints as adapters, and nothing that only a resumed run would need."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from services.worker.adapters import ended_run
from services.worker.training.checkpoints import CheckpointFolder, Snapshot
from shared import sealed_folder
from shared.adapters import OPTIMIZER
from shared.job_folder import JobFolder
from shared.messages.message import say
from tests.small_disk import MIB, fill_up, may_mount, small_disk

FINGERPRINT = {"rows": "abc"}


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """A job's folder with two checkpoints, of steps 5 and 10."""
    for step in (5, 10):
        CheckpointFolder(JobFolder(tmp_path), 1, FINGERPRINT).write(snapshot(step))
    return tmp_path


def snapshot(step: int) -> Snapshot:
    optimizer = {"exp_avg": torch.rand(64, 64), "exp_avg_sq": torch.rand(64, 64)}
    return Snapshot(step, {"lora_A": torch.full((8, 8), float(step))}, optimizer, {"run": {"step": step}})


def checkpoint(job: Path, step: int) -> Path:
    return job / "checkpoints" / f"step-{step}"


def test_optimizer_states_go_and_each_checkpoint_still_verifies_as_an_adapter(job: Path) -> None:
    states = [checkpoint(job, step) / "optimizer.safetensors" for step in (5, 10)]
    expected = sum(path.stat().st_size for path in states)
    os.utime(checkpoint(job, 5) / "manifest.json", (1000, 1000))
    assert ended_run.give_back(JobFolder(job), has_succeeded=True) == expected
    for step in (5, 10):
        manifest = sealed_folder.verified_manifest(checkpoint(job, step))
        assert manifest is not None
        assert sorted(manifest["files"]) == ["adapter_config.json", "adapter_model.safetensors", "state.json"]
        assert manifest["step"] == step
        assert sorted(path.name for path in checkpoint(job, step).iterdir()) == [
            "adapter_config.json", "adapter_model.safetensors", "manifest.json", "state.json",
        ]  # fmt: skip
        assert load_file(checkpoint(job, step) / "adapter_model.safetensors")["lora_A"][0, 0] == step
    assert ended_run.give_back(JobFolder(job), has_succeeded=True) == 0
    assert (checkpoint(job, 5) / "manifest.json").stat().st_mtime == 1000  # when it was made


def test_a_crash_between_manifest_and_file_leaves_a_checkpoint_that_verifies(job: Path) -> None:
    place = checkpoint(job, 10)
    state = (place / "optimizer.safetensors").read_bytes()
    ended_run.give_back(JobFolder(job), has_succeeded=True)
    (place / "optimizer.safetensors").write_bytes(state)  # as after a crash before the file went
    assert sealed_folder.verified_manifest(place) is not None
    assert ended_run.give_back(JobFolder(job), has_succeeded=True) == len(state)
    assert not (place / "optimizer.safetensors").exists()


def test_a_run_never_goes_on_from_a_checkpoint_without_its_optimizer_state(job: Path) -> None:
    """A store restored from a backup may call a job running that has ended since."""
    ended_run.give_back(JobFolder(job), has_succeeded=True)
    found, rejected = CheckpointFolder(JobFolder(job), 2, FINGERPRINT).newest()
    assert found is None
    assert rejected == [say("checkpoint-without-optimizer", step=step) for step in (10, 5)]


def test_a_step_done_again_replaces_a_checkpoint_without_its_optimizer_state(job: Path) -> None:
    ended_run.give_back(JobFolder(job), has_succeeded=True)
    CheckpointFolder(JobFolder(job), 2, FINGERPRINT).write(snapshot(10))
    found, rejected = CheckpointFolder(JobFolder(job), 2, FINGERPRINT).newest()
    assert found is not None
    assert (found.step, rejected) == (10, [])


def test_what_attempts_left_half_written_goes_and_the_journal_stays(job: Path) -> None:
    for name in (
        "attempts/1/ckpt.tmp-12",
        "attempts/2/adapter.tmp",
        "attempts/2/tokens.tmp",
        "checkpoints/step-3.rejected-1-1",
    ):
        (job / name).mkdir(parents=True)
        (job / name / "file").write_bytes(b"12345")
    (job / "attempts" / "1" / "events.jsonl").write_text("{}\n")
    (job / "adapter").mkdir()
    assert ended_run.give_back(JobFolder(job), has_succeeded=True) > 15
    left = {str(path.relative_to(job)) for path in job.glob("*/*")}
    assert left == {"attempts/1", "attempts/2", "checkpoints/step-5", "checkpoints/step-10"}
    assert (job / "attempts" / "1" / "events.jsonl").exists()
    assert (job / "adapter").is_dir()


def test_a_checkpoint_that_is_damaged_loses_its_optimizer_state_too(job: Path) -> None:
    (checkpoint(job, 10) / "manifest.json").write_text("{")
    ended_run.give_back(JobFolder(job), has_succeeded=True)
    assert not (checkpoint(job, 10) / "optimizer.safetensors").exists()
    with pytest.raises(ValueError, match="Expecting"):
        json.loads((checkpoint(job, 10) / "manifest.json").read_text())


def test_a_full_disk_gets_its_room_back(tmp_path: Path, need: Callable[[bool, str], None]) -> None:
    need(may_mount(), "the right to mount a filesystem")
    with small_disk(tmp_path / "disk", 4 * MIB):
        job = tmp_path / "disk" / "job"
        for step in (5, 10):
            CheckpointFolder(JobFolder(job), 1, FINGERPRINT).write(snapshot(step))
        fill_up(tmp_path / "disk")
        assert ended_run.give_back(JobFolder(job), has_succeeded=True) > 2 * 32_000
        for step in (5, 10):
            manifest = sealed_folder.verified_manifest(checkpoint(job, step))
            assert manifest is not None
            assert OPTIMIZER not in manifest["files"]
            assert sorted(path.name for path in checkpoint(job, step).iterdir()) == sorted(
                [*manifest["files"], "manifest.json"]
            )


def test_an_adapter_goes_with_a_job_that_did_not_succeed_and_stays_with_one_that_did(tmp_path: Path) -> None:
    folders = [tmp_path / "adapter", tmp_path / "adapter-llama"]
    for folder in folders:
        folder.mkdir()
        (folder / "adapter_model.safetensors").write_bytes(bytes(100))
    assert ended_run.give_back(JobFolder(tmp_path), has_succeeded=True) == 0
    assert all(folder.exists() for folder in folders)
    assert ended_run.give_back(JobFolder(tmp_path), has_succeeded=False) == 200
    assert not any(folder.exists() for folder in folders)
