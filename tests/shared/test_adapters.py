"""An adapter is found where it lies, and stays with the job that took hold of it."""

import json
import shutil
from pathlib import Path

import pytest

from shared import adapters
from shared.adapters import adapter_folder, checkpoint_steps, held_adapter, hold

FILES = (adapters.CONFIG, adapters.WEIGHTS, "optimizer.safetensors", "state.json")


def make(folder: Path, files: tuple[str, ...] = FILES) -> Path:
    folder.mkdir(parents=True)
    for name in files:
        (folder / name).write_text(f"{name} of {folder.name}")
    (folder / "manifest.json").write_text(json.dumps({"files": {name: {} for name in files}}))
    return folder


def test_the_names_its_base_runs_under_come_first(tmp_path: Path) -> None:
    assert adapter_folder(tmp_path) is None
    published = make(tmp_path / "adapter")
    assert adapter_folder(tmp_path) == published
    llama = make(tmp_path / "adapter-llama")
    assert adapter_folder(tmp_path) == llama


def test_a_checkpoint_without_what_resuming_needs_is_still_an_adapter(tmp_path: Path) -> None:
    for step in (5, 10, 100):
        make(tmp_path / "checkpoints" / f"step-{step}")
    (tmp_path / "checkpoints" / "step-5" / "optimizer.safetensors").unlink()
    (tmp_path / "checkpoints" / "step-10" / adapters.WEIGHTS).unlink()
    make(tmp_path / "checkpoints" / "step-7.rejected-1-1")
    make(
        tmp_path / "checkpoints" / "step-3", files=("adapter.safetensors", "state.json")
    )  # an older version's
    assert checkpoint_steps(tmp_path) == [5, 100]


def test_a_job_keeps_its_adapter_when_the_model_is_deleted(tmp_path: Path) -> None:
    source = make(tmp_path / "old" / "checkpoints" / "step-5")
    user = tmp_path / "new"
    user.mkdir()
    assert held_adapter(user) is None
    hold(source, user)
    shutil.rmtree(tmp_path / "old")
    held = held_adapter(user)
    assert held is not None
    assert (held / adapters.WEIGHTS).read_text() == f"{adapters.WEIGHTS} of step-5"
    assert not (held / "optimizer.safetensors").exists()


def test_a_disk_without_hard_links_gets_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("no hard links here")

    monkeypatch.setattr("os.link", refuse)
    user = tmp_path / "new"
    user.mkdir()
    hold(make(tmp_path / "old"), user)
    assert held_adapter(user) is not None
