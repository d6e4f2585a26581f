"""Files are compared with what the hub, or our manifest, says of them: sizes always, bytes if quick."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import huggingface_hub
import pytest

from services.worker.diagnosis.hashes import compare_hashes
from services.worker.models.reading.cached_pages import cached_pages, make_cold
from services.worker.running_job import JobCancelled
from shared.messages.message import say
from shared.messages.render import told
from shared.reports.model_files import FileHash
from tests.tiny_models import make_tiny_llama
from tests.worker.models.hub_server import running_hub

WEIGHTS = "model.safetensors"
MIB = 1024**2


def compare(
    folder: Path, read_seconds: Callable[[int], float | None] = lambda size: 0.0, seconds: float = 60.0
) -> dict[str, FileHash]:
    found = compare_hashes(folder, [WEIGHTS], read_seconds=read_seconds, tick=lambda: None, seconds=seconds)
    return {entry.name: entry for entry in found}


@pytest.fixture(scope="module")
def downloaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache that huggingface_hub itself has filled."""
    place = tmp_path_factory.mktemp("hub")
    with running_hub() as hub:
        hub.publish("someone/tiny", make_tiny_llama(place / "original"))
        huggingface_hub.snapshot_download("someone/tiny", cache_dir=place / "cache", endpoint=hub.endpoint)
    return place / "cache"


@pytest.fixture
def snapshot(downloaded: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may damage."""
    shutil.copytree(downloaded, tmp_path / "cache", symlinks=True)
    return next((tmp_path / "cache").glob("models--*/snapshots/*"))


def forget_tree(snapshot: Path) -> None:
    (snapshot.parent.parent / "trees" / f"{snapshot.name}.json").unlink()


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("with_tree", [True, False])
def test_every_file_of_a_healthy_cache_matches(snapshot: Path, with_tree: bool) -> None:
    if not with_tree:
        forget_tree(snapshot)
    found = compare(snapshot)
    assert set(found) == {"config.json", "tokenizer.json", "tokenizer_config.json", WEIGHTS}
    assert {entry.matches for entry in found.values()} == {True}
    assert {entry.named_by for entry in found.values()} == {"hub"}


@pytest.mark.parametrize("with_tree", [True, False])
@pytest.mark.parametrize("name", [WEIGHTS, "config.json"])
def test_one_wrong_bit_is_found(snapshot: Path, name: str, with_tree: bool) -> None:
    flip_a_bit(snapshot / name)
    if not with_tree:
        forget_tree(snapshot)
    found = compare(snapshot)
    assert {entry.name for entry in found.values() if entry.matches is False} == {name}
    assert "hash" in told(found[name].reason or "")


def test_another_size_is_told_without_reading(snapshot: Path) -> None:
    with (snapshot / WEIGHTS).open("ab") as stream:
        stream.write(b"\0")
    found = compare(snapshot, read_seconds=lambda size: 1e6)
    assert found[WEIGHTS].matches is False
    assert "bytes instead of" in told(found[WEIGHTS].reason or "")


def test_a_snapshot_of_plain_files_is_compared_by_the_hubs_list(snapshot: Path) -> None:
    content = (snapshot / WEIGHTS).read_bytes()
    (snapshot / WEIGHTS).unlink()
    (snapshot / WEIGHTS).write_bytes(content)
    assert compare(snapshot)[WEIGHTS].matches is True
    flip_a_bit(snapshot / WEIGHTS)
    assert compare(snapshot)[WEIGHTS].matches is False


def test_what_storage_must_deliver_first_is_not_compared_unless_that_is_quick(snapshot: Path) -> None:
    make_cold(snapshot / WEIGHTS)
    if cached_pages(snapshot / WEIGHTS).cached_bytes != 0:
        pytest.skip("the temporary folder's filesystem has no cold files")
    slow = compare(snapshot, read_seconds=lambda size: 63.7 if size else 0.0)[WEIGHTS]
    assert (slow.matches, slow.reason) == (None, say("not-in-memory-piece", wait_seconds=63.7))
    assert compare(snapshot)[WEIGHTS].matches is True
    assert cached_pages(snapshot / WEIGHTS).cached_bytes == 0  # left as it was


def test_there_is_an_end_to_hashing(snapshot: Path) -> None:
    found = compare(snapshot, seconds=0.0)
    assert {entry.matches for entry in found.values()} == {None}
    assert all("longer than" in told(entry.reason or "") for entry in found.values())


def test_a_cancel_ends_it(snapshot: Path) -> None:
    def cancel() -> None:
        raise JobCancelled

    with pytest.raises(JobCancelled):
        compare_hashes(snapshot, [WEIGHTS], read_seconds=lambda size: 0.0, tick=cancel)


def test_a_folder_nobody_speaks_of_is_not_compared(tmp_path: Path) -> None:
    assert compare(make_tiny_llama(tmp_path)) == {}


def test_what_hf_download_notes_beside_a_local_folder_counts(tmp_path: Path) -> None:
    folder = make_tiny_llama(tmp_path)
    notes = folder / ".cache/huggingface/download"
    notes.mkdir(parents=True)
    digest = hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()
    (notes / f"{WEIGHTS}.metadata").write_text(f"{'0' * 40}\n{digest}\n1700000000.0\n")
    assert compare(folder)[WEIGHTS].matches is True
    flip_a_bit(folder / WEIGHTS)
    assert compare(folder)[WEIGHTS].matches is False


def test_a_copy_of_ours_is_compared_with_its_manifest(tmp_path: Path) -> None:
    folder = make_tiny_llama(tmp_path)
    content = (folder / WEIGHTS).read_bytes()
    entry = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    (folder / "manifest.json").write_text(json.dumps({"files": {WEIGHTS: entry}}))
    assert (compare(folder)[WEIGHTS].matches, compare(folder)[WEIGHTS].named_by) == (True, "manifest")
    flip_a_bit(folder / WEIGHTS)
    assert compare(folder)[WEIGHTS].matches is False


@pytest.mark.parametrize(
    "text", ["", "[]", '{"files": 5}', '{"files": {"model.safetensors": {"sha256": 5}}}']
)
def test_a_source_that_makes_no_sense_says_nothing(tmp_path: Path, text: str) -> None:
    folder = make_tiny_llama(tmp_path / "snapshots" / "abc")
    (tmp_path / "trees").mkdir()
    for place in (folder / "manifest.json", tmp_path / "trees/abc.json"):
        place.write_text(text)
    assert compare(folder) == {}
