"""Where the hub's cache lies: our reading of the variables against huggingface_hub's, and its leftovers."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from huggingface_hub import constants

from services.worker.diagnosis.cache_rules import cache_variables, describe_cache
from shared.messages.render import told

ASK_THE_LIBRARY = """
import importlib, json, os, sys
from huggingface_hub import constants
for environment in json.load(sys.stdin):
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME", "TRANSFORMERS_CACHE"):
        os.environ.pop(name, None)
    os.environ.update(environment)
    print(importlib.reload(constants).HF_HUB_CACHE)
"""
APPENDED = {
    "HF_HUB_CACHE": "",
    "HUGGINGFACE_HUB_CACHE": "",
    "HF_HOME": "/hub",
    "XDG_CACHE_HOME": "/huggingface/hub",
}
COMBINATIONS = [
    {"HF_HUB_CACHE": "/a", "HUGGINGFACE_HUB_CACHE": "/b", "HF_HOME": "/c", "XDG_CACHE_HOME": "/d"},
    {"HUGGINGFACE_HUB_CACHE": "/b", "HF_HOME": "/c", "XDG_CACHE_HOME": "/d"},
    {"HF_HOME": "/c", "XDG_CACHE_HOME": "/d"},
    {"XDG_CACHE_HOME": "/d"},
    {"HF_HUB_CACHE": "/a", "TRANSFORMERS_CACHE": "/t"},
    {"TRANSFORMERS_CACHE": "/t"},
]


def test_the_variable_we_say_decides_is_the_one_the_library_follows() -> None:
    library = subprocess.run(
        [sys.executable, "-c", ASK_THE_LIBRARY],
        input=json.dumps(COMBINATIONS),
        capture_output=True,
        text=True,
        check=True,
        env={name: value for name, value in os.environ.items() if not name.startswith(("HF_", "XDG_"))},
    ).stdout.splitlines()
    for environment, folder in zip(COMBINATIONS, library, strict=True):
        deciding = [v for v in cache_variables(environment) if v.effect == "decides"]
        expected = (
            deciding[0].value + APPENDED[deciding[0].name]
            if deciding
            else str(Path("~/.cache/huggingface/hub").expanduser())
        )
        assert folder == expected, environment


def test_variables_that_lose_are_outranked_by_the_one_that_wins() -> None:
    found = cache_variables(COMBINATIONS[0])
    assert [(v.name, v.effect) for v in found] == [
        ("HF_HUB_CACHE", "decides"),
        ("HUGGINGFACE_HUB_CACHE", "outranked"),
        ("HF_HOME", "outranked"),
        ("XDG_CACHE_HOME", "outranked"),
    ]
    assert "HF_HUB_CACHE" in told(found[1].reason)


@pytest.mark.parametrize(
    "name",
    [
        "TRANSFORMERS_CACHE",
        "PYTORCH_TRANSFORMERS_CACHE",
        "HF_ENABLE_PARALLEL_LOADING",
        "HF_HUB_ENABLE_HF_TRANSFER",
        "SAFETENSORS_FAST_GPU",
    ],
)
def test_a_variable_that_nothing_reads_is_ignored(name: str) -> None:
    (variable,) = cache_variables({name: "1"})
    assert variable.effect == "ignored"


@pytest.mark.parametrize(
    ("name", "is_read"),
    [
        ("TRANSFORMERS_CACHE", False),
        ("HF_ENABLE_PARALLEL_LOADING", False),
        ("HF_PARALLEL_LOADING_WORKERS", False),
        ("HF_DEACTIVATE_ASYNC_LOAD", True),  # shows that the search finds what is there
    ],
)
def test_the_installed_transformers_does_not_mention_what_we_call_ignored(name: str, is_read: bool) -> None:
    import transformers

    folder = str(Path(transformers.__file__).parent)
    asked = ["grep", "-rlF", "--include=*.py", "-e", f'"{name}"', "-e", f"'{name}'", folder]
    assert bool(subprocess.run(asked, capture_output=True, text=True).stdout) == is_read


def test_an_environment_without_variables_decides_nothing() -> None:
    assert cache_variables({"PATH": "/bin"}) == ()
    assert describe_cache("a/b", None, {"PATH": "/bin"}).decided_by == "default"


@pytest.fixture
def entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hub cache with two revisions of one model; the second is in use."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    entry = tmp_path / "hub/models--org--name"
    (entry / "blobs").mkdir(parents=True)
    for revision, blobs in {
        "old": {"old-weights": 700, "config": 10},
        "new": {"weights": 900, "config": 10},
    }.items():
        snapshot = entry / "snapshots" / revision
        snapshot.mkdir(parents=True)
        for blob, size in blobs.items():
            (entry / "blobs" / blob).write_bytes(bytes(size))
            (snapshot / blob).symlink_to(f"../../blobs/{blob}")
    return entry


def test_bytes_of_other_revisions_are_counted_once(entry: Path) -> None:
    assert describe_cache("org/name", entry / "snapshots/new", {}).unreferenced_bytes == 700
    assert describe_cache("org/name", entry / "snapshots/old", {}).unreferenced_bytes == 900


def test_files_that_are_no_links_count_for_their_own_revision(entry: Path) -> None:
    (entry / "snapshots/old/big").write_bytes(bytes(300))
    assert describe_cache("org/name", entry / "snapshots/new", {}).unreferenced_bytes == 1000
    assert describe_cache("org/name", entry / "snapshots/old", {}).unreferenced_bytes == 900


def test_a_snapshot_without_links_is_told_from_one_with_them(entry: Path) -> None:
    assert describe_cache("org/name", entry / "snapshots/new", {}).linked is True
    for name in ("weights", "config"):
        content = (entry / "snapshots/new" / name).read_bytes()
        (entry / "snapshots/new" / name).unlink()
        (entry / "snapshots/new" / name).write_bytes(content)
    assert describe_cache("org/name", entry / "snapshots/new", {}).linked is False


def test_a_conversion_that_transformers_fetched_is_found_with_its_own_bytes(entry: Path) -> None:
    proposed = entry / "snapshots/proposed"
    proposed.mkdir()
    (entry / "blobs/converted").write_bytes(bytes(800))
    (proposed / "model.safetensors").symlink_to("../../blobs/converted")
    (proposed / "config").symlink_to("../../blobs/config")
    (entry / "refs/refs/pr").mkdir(parents=True)
    (entry / "refs/refs/pr/7").write_text("proposed")
    (entry / "refs/refs/pr/8").write_text("not fetched")
    (entry / "refs/refs/pr/9").write_bytes(b"\xff")
    found = describe_cache("org/name", entry / "snapshots/new", {}).proposals
    assert [(f.revision, f.bytes, f.safetensors) for f in found] == [("refs/pr/7", 800, True)]
    assert describe_cache("org/name", proposed, {}).proposals == ()


def test_an_interrupted_download_is_found_and_not_counted_as_a_revision(entry: Path) -> None:
    (entry / "blobs/abc.1234.incomplete").write_bytes(bytes(55))
    cache = describe_cache("org/name", entry / "snapshots/new", {})
    assert [(file.name, file.bytes) for file in cache.unfinished] == [("abc.1234.incomplete", 55)]
    assert cache.unreferenced_bytes == 700


def test_a_copy_in_the_folder_of_an_ignored_variable_is_found(entry: Path, tmp_path: Path) -> None:
    blobs = tmp_path / "old-cache/models--org--name/blobs"
    blobs.mkdir(parents=True)
    (blobs / "weights").write_bytes(bytes(900))
    cache = describe_cache(
        "org/name", entry / "snapshots/new", {"TRANSFORMERS_CACHE": str(tmp_path / "old-cache")}
    )
    assert [(copy.folder, copy.bytes) for copy in cache.copies] == [(str(tmp_path / "old-cache"), 900)]


@pytest.mark.parametrize("value", ["~nobodyhere/cache", "/" + "x" * 300])
def test_a_folder_that_cannot_be_looked_into_holds_no_copy(entry: Path, value: str) -> None:
    assert describe_cache("org/name", entry / "snapshots/new", {"TRANSFORMERS_CACHE": value}).copies == ()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_holds_no_copy(entry: Path, tmp_path: Path) -> None:
    (tmp_path / "roots").mkdir(mode=0)
    environment = {"TRANSFORMERS_CACHE": str(tmp_path / "roots")}
    assert describe_cache("org/name", entry / "snapshots/new", environment).copies == ()


def test_the_cache_in_use_is_no_copy_of_itself(entry: Path) -> None:
    environment = {"HF_HUB_CACHE": str(entry.parent), "TRANSFORMERS_CACHE": f"{entry.parent}/"}
    assert describe_cache("org/name", entry / "snapshots/new", environment).copies == ()
