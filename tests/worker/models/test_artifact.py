"""A prepared checkpoint is either whole and described, or not there."""

import json
import multiprocessing
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest

from services.worker.models.files.artifact import building, only_one_builder, publish
from services.worker.running_job import JobCancelled, JsonValue, NoJob
from shared.sealed_folder import manifest_of
from shared.version import VERSION


def build(folder: Path, text: str) -> None:
    with only_one_builder(folder, NoJob()), building(folder) as draft:
        (draft / "weights").write_text(text)
        publish(draft, folder, {"name": "tiny"})


def entries(folder: Path) -> set[str]:
    return {path.name for path in folder.parent.iterdir() if path.is_dir()}


def test_a_published_artifact_has_a_manifest_with_an_id_of_its_content(tmp_path: Path) -> None:
    for name, text in (("a", "one"), ("b", "one"), ("c", "two")):
        build(tmp_path / name, text)
    ids = [json.loads((tmp_path / name / "manifest.json").read_text())["id"] for name in "abc"]
    assert ids[0] == ids[1] != ids[2]
    manifest = manifest_of(tmp_path / "a")
    assert manifest is not None
    assert manifest["files"]["weights"]["bytes"] == 3
    assert "torch" in manifest["libraries"]
    assert manifest["libraries"]["tunedock"] == VERSION


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"files": 5}', "[" * 100_000])
def test_a_manifest_that_can_not_be_read_is_none(tmp_path: Path, text: str) -> None:
    build(tmp_path / "a", "one")
    (tmp_path / "a" / "manifest.json").write_text(text)
    assert manifest_of(tmp_path / "a") is None


def test_a_new_artifact_takes_the_place_of_the_old(tmp_path: Path) -> None:
    build(tmp_path / "a", "one")
    build(tmp_path / "a", "two")
    assert (tmp_path / "a" / "weights").read_text() == "two"
    assert entries(tmp_path / "a") == {"a"}


def test_a_build_that_fails_leaves_nothing(tmp_path: Path) -> None:
    with suppress(ValueError), building(tmp_path / "a") as draft:
        (draft / "weights").write_text("half")
        raise ValueError("broken")
    assert entries(tmp_path / "a") == set()
    assert manifest_of(tmp_path / "a") is None


def _build_and_hang(folder: Path) -> None:
    with only_one_builder(folder, NoJob()), building(folder) as draft:
        (draft / "weights").write_text("half")
        (folder.parent / "started").touch()
        time.sleep(60)


def test_a_killed_builder_holds_no_lock_and_its_leavings_are_swept(tmp_path: Path) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_build_and_hang, args=(tmp_path / "a",))
    process.start()
    while not (tmp_path / "started").exists():
        assert process.is_alive()
        time.sleep(0.02)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert len(entries(tmp_path / "a")) == 1  # the half-built folder
    build(tmp_path / "a", "whole")
    assert entries(tmp_path / "a") == {"a"}


class CancelWhileWaiting(NoJob):
    def progress(self, stage: str, **fields: JsonValue) -> None:
        raise JobCancelled


def test_waiting_for_another_builder_can_be_cancelled(tmp_path: Path) -> None:
    with (
        only_one_builder(tmp_path / "a", NoJob()),
        pytest.raises(JobCancelled),
        only_one_builder(tmp_path / "a", CancelWhileWaiting()),
    ):
        pytest.fail("two builders at once")
