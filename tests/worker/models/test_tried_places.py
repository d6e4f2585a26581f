"""A model that only another cache has is used; one that nobody has is refused by what was tried."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.worker.models.hub.incomplete_snapshot import what_is_missing
from services.worker.models.hub.other_caches import other_cache_folders
from tests.hub_layout import COMMIT, lay_out_model
from tests.tiny_models import make_tiny_llama
from tests.worker.models.hub_server import Hub, running_hub
from tests.worker.models.test_hub_download import resolve

AWAY = "http://127.0.0.1:9"  # where nothing listens


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub() as hub:
        yield hub


def incomplete(cache: Path, tmp_path: Path) -> Path:
    """A snapshot of two shards, of which one is a download that was interrupted half way."""
    snapshot = lay_out_model(make_tiny_llama(tmp_path / "original", shards=2), "someone/tiny", cache)
    shard = snapshot / "model-00002-of-00002.safetensors"
    blob = shard.resolve()
    shard.unlink()
    half = blob.read_bytes()[: blob.stat().st_size // 2]
    blob.with_name(f"{blob.name}.incomplete").write_bytes(half)
    blob.unlink()
    return snapshot


@pytest.mark.parametrize("variable", ["TRANSFORMERS_CACHE", "PYTORCH_TRANSFORMERS_CACHE"])
def test_a_model_only_under_an_old_variable_is_used(tmp_path: Path, hub: Hub, variable: str) -> None:
    lay_out_model(make_tiny_llama(tmp_path / "original"), "someone/tiny", tmp_path / "old")
    variables = {"HF_ENDPOINT": AWAY, variable: str(tmp_path / "old")}
    answer = resolve(tmp_path, hub, **variables)
    assert (answer["revision"], answer["source"]) == (COMMIT, "hub_cache")
    assert "importing" in answer["stages"]
    in_place = resolve(tmp_path / "b", hub, "someone/tiny", "", "in-place", **variables)
    assert Path(in_place["folder"]).is_relative_to(tmp_path / "old")


def test_other_caches_are_those_that_are_named_but_not_used(tmp_path: Path) -> None:
    named = {"HF_HOME": str(tmp_path / "a"), "TRANSFORMERS_CACHE": str(tmp_path / "b")}
    folders = other_cache_folders(named)
    assert folders[:2] == (tmp_path / "a" / "hub", tmp_path / "b")


def test_a_part_in_the_cache_is_told_with_the_files_and_bytes_that_are_missing(
    tmp_path: Path, hub: Hub
) -> None:
    snapshot = incomplete(tmp_path / "hf" / "hub", tmp_path)
    missing = what_is_missing(snapshot)
    assert missing is not None
    assert missing.names == ("model-00002-of-00002.safetensors",)
    whole = (tmp_path / "original" / missing.names[0]).stat().st_size
    assert missing.bytes == pytest.approx(whole, rel=0.2)  # the index counts tensors, not headers
    assert missing.begun_bytes == whole // 2
    answer = resolve(tmp_path, hub, HF_ENDPOINT=AWAY)
    assert answer["code"] == "hub_unavailable"
    assert "has only a part of the model. Missing: model-00002-of-00002.safetensors. The" in answer["message"]
    assert "of an interrupted download are there" in answer["message"]
    [said] = [event for event in answer["events"] if event.get("code") == "cache_incomplete"]
    assert (said["level"], said["files"], said["bytes"]) == ("warn", [*missing.names], missing.bytes)
    assert "has only a part of someone/tiny" in said["message"]
    offline = resolve(tmp_path, hub, HF_HUB_OFFLINE="1")
    assert offline["code"] == "model_not_found"
    assert "HF_HUB_OFFLINE is set" in offline["message"]
    assert "model-00002-of-00002.safetensors" in offline["message"]


def test_the_list_of_the_hub_knows_the_bytes_exactly(tmp_path: Path) -> None:
    snapshot = lay_out_model(make_tiny_llama(tmp_path / "original"), "someone/tiny", tmp_path / "hub")
    assert what_is_missing(snapshot) is None
    (snapshot / "model.safetensors").unlink()
    (snapshot / "tokenizer.json").unlink()
    trees = snapshot.parent.parent / "trees"
    trees.mkdir()
    files = {"model.safetensors": {"size": 4000}, "tokenizer.json": {"size": 200}, "README.md": {"size": 9}}
    (trees / f"{COMMIT}.json").write_text(json.dumps({"files": files}))
    missing = what_is_missing(snapshot)
    assert missing is not None
    assert (missing.names, missing.bytes) == (("model.safetensors", "tokenizer.json"), 4200)


def test_a_model_that_nobody_has_is_refused_by_what_was_tried(tmp_path: Path, hub: Hub) -> None:
    make_tiny_llama(tmp_path / "models" / "Some-One" / "Tiny")
    lay_out_model(make_tiny_llama(tmp_path / "original"), "someone/tiny-chat", tmp_path / "hf" / "hub")
    answer = resolve(tmp_path, hub, "someone/tiny_chat", HF_ENDPOINT=AWAY)
    assert f"The models folder {tmp_path / 'models'} has no folder someone/tiny_chat." in answer["message"]
    assert f"The cache {tmp_path / 'hf' / 'hub'} has no copy of the model." in answer["message"]
    assert "Did you mean someone/tiny-chat" in answer["remedy"]
    answer = resolve(tmp_path, hub, "some_one/tiny")
    assert (answer["code"], "Some-One/Tiny" in answer["remedy"]) == ("model_not_found", True)


def test_a_folder_of_that_name_goes_before_the_hub(tmp_path: Path, hub: Hub) -> None:
    folder = make_tiny_llama(tmp_path / "models" / "someone" / "tiny")
    answer = resolve(tmp_path, hub)
    assert (answer["source"], Path(answer["folder"])) == ("folder", folder)
    assert hub.requests == []
