"""A sealed folder is whole or not there, and so is every manifest that is written or written anew."""

import ast
import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shared import sealed_folder
from shared.messages.message import say
from shared.messages.render import in_english
from shared.sealed_folder import (
    fault_in_hashes,
    fault_in_sizes,
    manifest_of,
    promise_no,
    seal,
    sealed_at,
    verified_manifest,
)
from shared.settings import PROJECT_ROOT

SHA256_OF_X = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
# As the two designs before this one wrote them: an adapter's or checkpoint's, and a prepared model's.
WRITTEN_BEFORE = [
    {"files": {"a": {"bytes": 1, "sha256": SHA256_OF_X}}, "format": 1, "step": 5},
    {"id": "0f", "kind": "nf4", "files": {"a": {"bytes": 1, "sha256": SHA256_OF_X}}, "libraries": {}},
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    inside = tmp_path / "folder"
    inside.mkdir()
    (inside / "a").write_text("x")
    (inside / "b").write_text("y")
    return inside


@pytest.mark.parametrize("manifest", WRITTEN_BEFORE)
def test_folders_that_earlier_versions_sealed_verify(folder: Path, manifest: dict[str, Any]) -> None:
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert verified_manifest(folder) == manifest
    (folder / "a").write_text("z")
    assert fault_in_sizes(folder) is None
    assert verified_manifest(folder) is None
    assert fault_in_hashes(folder) == say("file-of-other-hash", file=folder / "a")


@pytest.mark.parametrize("name", ["../outside", "/etc/hostname", "..", ".", "", "a\0b", "\ud800"])
def test_a_manifest_cannot_name_files_elsewhere(folder: Path, name: str) -> None:
    (folder.parent / "outside").write_text("x")
    entry = {"bytes": 1, "sha256": SHA256_OF_X}
    (folder / "manifest.json").write_text(json.dumps({"files": {name: entry}}))
    assert verified_manifest(folder) is None
    assert (fault := fault_in_sizes(folder)) is not None
    assert "which is not a file of that folder" in in_english(fault)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"files": 5}', '{"files": {}}', "[" * 100_000])
def test_a_folder_without_a_manifest_of_files_does_not_verify(folder: Path, text: str) -> None:
    (folder / "manifest.json").write_text(text)
    assert verified_manifest(folder) is None


def test_a_folder_may_be_sealed_again(folder: Path) -> None:
    seal(folder, {"step": 5})
    (folder / "b").write_text("changed")
    seal(folder, {"step": 6})
    manifest = verified_manifest(folder)
    assert manifest is not None
    assert (manifest["step"], list(manifest["files"])) == (6, ["a", "b"])


def test_a_promise_taken_back_keeps_the_manifests_age(folder: Path) -> None:
    seal(folder, {"step": 5})
    os.utime(folder / "manifest.json", (1_700_000_000, 1_700_000_000))
    promise_no(folder, "b")
    assert sealed_at(folder) == 1_700_000_000
    manifest = verified_manifest(folder)
    assert manifest is not None
    assert (manifest["step"], list(manifest["files"])) == (5, ["a"])


Step = Callable[[Path], None]
WRITES: list[Step] = [lambda folder: seal(folder, {"new": True}), lambda folder: promise_no(folder, "b")]


@pytest.mark.parametrize("failing", range(1, 5))
def test_sealing_that_fails_anywhere_leaves_no_manifest_or_a_true_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    fail_at(failing, monkeypatch)
    with pytest.raises(OSError, match="did not answer"):
        seal(folder, {})
    assert manifest_of(folder) is None or verified_manifest(folder) is not None
    assert not list(folder.glob(".*"))


@pytest.mark.parametrize("failing", [1, 2])
def test_a_promise_that_fails_anywhere_leaves_the_old_manifest_or_the_new_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    seal(folder, {})
    fail_at(failing, monkeypatch)
    with pytest.raises(OSError, match="did not answer"):
        promise_no(folder, "b")
    manifest = verified_manifest(folder)
    assert manifest is not None
    assert list(manifest["files"]) == (["a", "b"] if failing == 1 else ["a"])


def fail_at(call: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the disk fail at the `call`-th wait for it, counted from 1."""
    calls, fsync = 0, os.fsync

    def fail_once(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls == call:
            raise OSError(errno.EIO, "the disk did not answer")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", fail_once)


@pytest.mark.parametrize("write", WRITES)
def test_every_manifest_is_on_the_disk_before_it_gets_its_name(
    folder: Path, monkeypatch: pytest.MonkeyPatch, write: Step
) -> None:
    seal(folder, {})
    happened: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def noted_fsync(descriptor: int) -> None:
        happened.append(f"fsync {Path(f'/proc/self/fd/{descriptor}').readlink().name}")
        fsync(descriptor)

    def noted_replace(path: Path, target: Path) -> Path:
        happened.append(f"name {target.name}")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(Path, "replace", noted_replace)
    write(folder)
    assert happened[-3:] == ["fsync .manifest.json.draft", "name manifest.json", "fsync folder"]


def test_no_other_module_spells_the_manifests_name() -> None:
    home = Path(sealed_folder.__file__)
    spelled = [
        f"{path.relative_to(PROJECT_ROOT)}:{node.lineno}"
        for top in ("services", "shared")
        for path in sorted((PROJECT_ROOT / top).rglob("*.py"))
        if path != home
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value == sealed_folder.MANIFEST
    ]
    assert spelled == []
