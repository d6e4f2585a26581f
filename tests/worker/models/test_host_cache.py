"""The host's own Hugging Face cache: its models are diagnosed there and copied from there, never changed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.worker.models.hub_server import COMMIT, Hub, running_hub
from tests.worker.models.test_hub_download import MODEL, publish, resolve


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub() as hub:
        yield hub


@pytest.fixture
def host_cache(tmp_path: Path, hub: Hub) -> Path:
    """Filled by huggingface_hub itself."""
    publish(hub, tmp_path)
    folder = tmp_path / "host"
    resolve(tmp_path, hub, HF_HOME=str(folder))
    hub.requests.clear()
    return folder


def resolve_offline(tmp_path: Path, hub: Hub, host: Path, *arguments: str) -> dict[str, Any]:
    return resolve(
        tmp_path, hub, MODEL, *(arguments or ("",)), TUNEDOCK_HOST_HF_CACHE=str(host), HF_HUB_OFFLINE="1"
    )


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_model_is_copied_from_there_instead_of_downloaded(
    tmp_path: Path, hub: Hub, host_cache: Path
) -> None:
    before = files_below(host_cache)
    answer = resolve_offline(tmp_path, hub, host_cache)
    own = Path(answer["folder"])
    assert own.is_relative_to(tmp_path / "hf")
    assert (answer["revision"], answer["source"]) == (COMMIT, "hub_cache")
    assert "importing" in answer["stages"]
    assert hub.requests == []
    assert files_below(host_cache) == before
    theirs = host_cache / "hub" / own.relative_to(tmp_path / "hf" / "hub")
    assert files_below(own) == files_below(theirs)
    assert (own / "model.safetensors").is_symlink()
    assert "importing" not in resolve_offline(tmp_path, hub, host_cache)["stages"]


def test_the_folder_of_the_hub_s_cache_itself_may_be_named(
    tmp_path: Path, hub: Hub, host_cache: Path
) -> None:
    assert "importing" in resolve_offline(tmp_path, hub, host_cache / "hub")["stages"]


def test_a_diagnosis_looks_at_it_where_it_lies(tmp_path: Path, hub: Hub, host_cache: Path) -> None:
    answer = resolve_offline(tmp_path, hub, host_cache, "", "in-place")
    assert Path(answer["folder"]).is_relative_to(host_cache)
    assert not (tmp_path / "hf" / "hub").exists()


def test_a_cache_without_links_as_on_windows_is_copied_too(
    tmp_path: Path, hub: Hub, host_cache: Path
) -> None:
    (snapshot,) = (host_cache / "hub").glob("models--*/snapshots/*")
    for link in [path for path in snapshot.iterdir() if path.is_symlink()]:
        blob = link.resolve()
        link.unlink()
        blob.rename(link)
    answer = resolve_offline(tmp_path, hub, host_cache)
    assert files_below(Path(answer["folder"])) == files_below(snapshot)


def test_blobs_that_models_share_are_copied_and_verified_too(
    tmp_path: Path, hub: Hub, host_cache: Path
) -> None:
    """What huggingface_hub makes of a download by xet: a blob's own name is not the hash of its content."""
    (weights,) = (host_cache / "hub").glob("models--*/snapshots/*/model.safetensors")
    blob = weights.resolve()
    shared = host_cache / "hub" / "blobs" / "ab" / f"ab{'0' * 62}"
    shared.parent.mkdir(parents=True)
    blob.rename(shared)
    blob.symlink_to(f"../../blobs/ab/{shared.name}")
    own = Path(resolve_offline(tmp_path, hub, host_cache)["folder"])
    assert files_below(own) == files_below(weights.parent)
    assert (own / "model.safetensors").resolve().name == blob.name


def test_drafts_of_another_revision_are_no_part_of_an_import(
    tmp_path: Path, hub: Hub, host_cache: Path
) -> None:
    repository = tmp_path / "hf" / "hub" / "models--someone--tiny"
    left = repository / f".importing-{'e' * 40}" / "vocab.json"
    left.parent.mkdir(parents=True)
    left.write_text("{}")
    answer = resolve_offline(tmp_path, hub, host_cache)
    assert "vocab.json" not in answer["files"]
    assert not list(repository.glob(".importing*"))


def test_what_a_broken_off_download_left_is_filled_up_and_not_thrown_away(
    tmp_path: Path, hub: Hub, host_cache: Path
) -> None:
    snapshot = tmp_path / "hf" / "hub" / "models--someone--tiny" / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    (snapshot / "README.md").write_text("mine")
    answer = resolve_offline(tmp_path, hub, host_cache)
    assert {"README.md", "config.json", "model.safetensors"} <= set(answer["files"])
    assert (snapshot / "README.md").read_text() == "mine"


def test_an_import_that_was_stopped_goes_on_with_the_next(tmp_path: Path, hub: Hub, host_cache: Path) -> None:
    assert resolve_offline(tmp_path, hub, host_cache, "", "cancel")["code"] == "cancelled"
    (repository,) = (tmp_path / "hf" / "hub").glob("models--*")
    assert not list(repository.glob("snapshots/*"))
    assert resolve_offline(tmp_path, hub, host_cache)["revision"] == COMMIT
    assert not list(repository.glob(".importing*"))


def test_a_model_that_is_not_whole_there_is_asked_of_the_hub(
    tmp_path: Path, hub: Hub, host_cache: Path
) -> None:
    (weights,) = (host_cache / "hub").glob("models--*/snapshots/*/model.safetensors")
    weights.resolve().unlink()
    answer = resolve(tmp_path, hub, TUNEDOCK_HOST_HF_CACHE=str(host_cache))
    assert answer["source"] == "hub"
    assert "importing" not in answer["stages"]


def test_a_damaged_file_is_named_and_not_taken(tmp_path: Path, hub: Hub, host_cache: Path) -> None:
    (weights,) = (host_cache / "hub").glob("models--*/snapshots/*/model.safetensors")
    blob = weights.resolve()
    assert len(blob.name) == 64
    content = bytearray(blob.read_bytes())
    content[-1] ^= 1
    blob.write_bytes(content)
    answer = resolve_offline(tmp_path, hub, host_cache)
    assert answer["code"] == "model_unreadable"
    assert blob.name in answer["message"]
    assert not list((tmp_path / "hf" / "hub").glob("models--*/snapshots/*"))


def test_a_file_that_leads_out_of_that_cache_is_refused(tmp_path: Path, hub: Hub, host_cache: Path) -> None:
    (config,) = (host_cache / "hub").glob("models--*/snapshots/*/config.json")
    target = tmp_path / "elsewhere.json"
    target.write_bytes(config.read_bytes())
    config.unlink()
    config.symlink_to(target)
    assert resolve_offline(tmp_path, hub, host_cache)["code"] == "model_refused"


def test_a_download_that_broke_off_is_no_obstacle(tmp_path: Path, hub: Hub, host_cache: Path) -> None:
    (tmp_path / "hf" / "hub" / "models--someone--tiny" / "snapshots" / COMMIT).mkdir(parents=True)
    answer = resolve_offline(tmp_path, hub, host_cache)
    assert "importing" in answer["stages"]
    assert answer["revision"] == COMMIT
