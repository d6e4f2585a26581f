"""An adapter is found where it lies, and stays with the job that took hold of it."""

import shutil
from pathlib import Path

import pytest

from shared import adapters
from shared.adapters import adapter_folder, checkpoint_steps, held_adapter, hold
from shared.job_folder import JobFolder
from tests.adapter_folders import CHECKPOINT_FILES, lay_out_adapter


def test_the_names_its_base_runs_under_come_first(tmp_path: Path) -> None:
    assert adapter_folder(JobFolder(tmp_path)) is None
    published = lay_out_adapter(tmp_path / "adapter")
    assert adapter_folder(JobFolder(tmp_path)) == published
    llama = lay_out_adapter(tmp_path / "adapter-llama")
    assert adapter_folder(JobFolder(tmp_path)) == llama


def test_a_checkpoint_without_what_resuming_needs_is_still_an_adapter(tmp_path: Path) -> None:
    for step in (5, 10, 100):
        lay_out_adapter(tmp_path / "checkpoints" / f"step-{step}", CHECKPOINT_FILES)
    (tmp_path / "checkpoints" / "step-5" / "optimizer.safetensors").unlink()
    (tmp_path / "checkpoints" / "step-10" / adapters.WEIGHTS).unlink()
    lay_out_adapter(tmp_path / "checkpoints" / "step-7.rejected-1-1")
    lay_out_adapter(
        tmp_path / "checkpoints" / "step-3", files=("adapter.safetensors", "state.json")
    )  # an older version's
    assert checkpoint_steps(JobFolder(tmp_path)) == [5, 100]


def test_a_job_keeps_its_adapter_when_the_model_is_deleted(tmp_path: Path) -> None:
    source = lay_out_adapter(tmp_path / "old" / "checkpoints" / "step-5", CHECKPOINT_FILES)
    user = tmp_path / "new"
    user.mkdir()
    assert held_adapter(JobFolder(user)) is None
    hold(source, JobFolder(user))
    shutil.rmtree(tmp_path / "old")
    held = held_adapter(JobFolder(user))
    assert held is not None
    assert (held / adapters.WEIGHTS).read_text() == f"{adapters.WEIGHTS} of step-5"
    assert not (held / "optimizer.safetensors").exists()


def test_a_disk_without_hard_links_gets_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("no hard links here")

    monkeypatch.setattr("os.link", refuse)
    user = tmp_path / "new"
    user.mkdir()
    hold(lay_out_adapter(tmp_path / "old"), JobFolder(user))
    assert held_adapter(JobFolder(user)) is not None
