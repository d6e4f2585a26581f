"""A model's name leads to a folder below its root and nowhere else."""

import json
import os
from pathlib import Path

import pytest

from services.worker.failures import FailureCode, JobFailed
from services.worker.models.files.model_folder import own_folder, refuse_odd_files
from services.worker.models.hub.model_places import ModelPlaces
from services.worker.models.hub.resolve import locate_model, resolve_model
from services.worker.running_job import NoJob
from tests.tiny_models import make_tiny_llama


def code_of(name: str, tmp_path: Path, revision: str | None = None) -> FailureCode:
    with pytest.raises(JobFailed) as failed:
        resolve_model(name, revision, ModelPlaces(tmp_path / "models", tmp_path / "data"), job=NoJob())
    assert failed.value.failure.remedy
    return failed.value.failure.code


def test_a_folder_in_the_models_folder_is_found_by_its_name(tmp_path: Path) -> None:
    folder = make_tiny_llama(tmp_path / "models" / "tiny")
    files = resolve_model("tiny", None, ModelPlaces(tmp_path / "models", tmp_path / "data"), job=NoJob())
    assert (files.name, files.revision, files.folder, files.source) == ("tiny", None, folder, "folder")


def test_a_checkpoint_prepared_by_us_is_found_by_its_name(tmp_path: Path) -> None:
    folder = make_tiny_llama(tmp_path / "data" / "models" / "tiny-prepared")
    (folder / "manifest.json").write_text('{"id": "0123456789abcdef"}')
    files = locate_model(
        "tiny-prepared",
        None,
        ModelPlaces(tmp_path / "models", tmp_path / "data"),
        job=NoJob(),
    )
    assert (files.revision, files.source) == ("0123456789abcdef", "prepared")


@pytest.mark.parametrize(
    "name",
    ["..", "../models/tiny", "/etc", "tiny/../tiny", ".", "~", "a\\b", "a/b/c", "tiny/sub/..", "C:tiny"],
)
def test_a_name_that_is_a_path_is_no_model(tmp_path: Path, name: str) -> None:
    make_tiny_llama(tmp_path / "models" / "tiny")
    assert code_of(name, tmp_path) == FailureCode.MODEL_NOT_FOUND


def test_a_folder_has_no_revisions(tmp_path: Path) -> None:
    make_tiny_llama(tmp_path / "models" / "tiny")
    assert code_of("tiny", tmp_path, revision="main") == FailureCode.MODEL_NOT_FOUND


def test_a_folder_without_config_says_so(tmp_path: Path) -> None:
    (tmp_path / "models" / "empty").mkdir(parents=True)
    assert code_of("empty", tmp_path) == FailureCode.MODEL_UNREADABLE


def test_a_whole_folder_may_be_a_link(tmp_path: Path) -> None:
    elsewhere = make_tiny_llama(tmp_path / "big-disk" / "llama")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "tiny").symlink_to(elsewhere)
    assert own_folder(tmp_path / "models" / "tiny") == elsewhere


@pytest.mark.parametrize("name", ["tokenizer.json", "model.safetensors", "config.json", "LICENSE"])
def test_a_file_that_links_out_of_its_folder_is_refused(tmp_path: Path, name: str) -> None:
    folder = make_tiny_llama(tmp_path / "models" / "tiny")
    secret = tmp_path / "secret"
    secret.write_bytes((folder / name).read_bytes() if (folder / name).exists() else b"key")
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(secret)
    assert code_of("tiny", tmp_path) == FailureCode.MODEL_REFUSED


def test_links_within_the_folder_are_its_own_business(tmp_path: Path) -> None:
    folder = make_tiny_llama(tmp_path / "models" / "tiny")
    (folder / "model.safetensors").rename(folder / "weights-v1")
    (folder / "model.safetensors").symlink_to("weights-v1")
    assert own_folder(tmp_path / "models" / "tiny") == folder


def test_a_linked_snapshot_of_the_hubs_cache_keeps_its_links(tmp_path: Path) -> None:
    repository = tmp_path / "hub" / "models--org--tiny"
    snapshot = make_tiny_llama(repository / "snapshots" / ("0" * 40))
    (repository / "blobs").mkdir()
    (snapshot / "model.safetensors").rename(repository / "blobs" / "abc")
    (snapshot / "model.safetensors").symlink_to("../../blobs/abc")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "tiny").symlink_to(snapshot)
    assert own_folder(tmp_path / "models" / "tiny") == snapshot


def test_a_link_in_a_circle_leads_nowhere_and_is_refused(tmp_path: Path) -> None:
    folder = make_tiny_llama(tmp_path / "models" / "tiny")
    (folder / "circle").symlink_to("circle")
    assert code_of("tiny", tmp_path) == FailureCode.MODEL_REFUSED


def oddity(folder: Path) -> str:
    with pytest.raises(JobFailed) as failed:
        refuse_odd_files(folder)
    assert failed.value.failure.code == FailureCode.MODEL_UNREADABLE
    return failed.value.failure.message


def test_what_libraries_would_read_whole_must_be_a_file_of_a_sane_size(tmp_path: Path) -> None:
    folder = make_tiny_llama(tmp_path)
    refuse_odd_files(folder)
    os.mkfifo(folder / "vocab.json")
    assert "vocab.json in the model folder" in oddity(folder)
    (folder / "vocab.json").unlink()
    with (folder / "tokenizer_config.json").open("ab") as stream:
        stream.truncate(17 * 1024**2)
    assert "has 17.83 MB. A file of that name may have 16.78 MB." in oddity(folder)


def test_json_that_only_wants_memory_is_refused_and_that_of_many_tokens_is_not(tmp_path: Path) -> None:
    folder = make_tiny_llama(tmp_path)
    token = {"content": "<extra_id_12345>", "lstrip": False, "normalized": False, "special": True}
    many = {"added_tokens_decoder": {str(number): token for number in range(60_000)}}
    (folder / "tokenizer_config.json").write_text(json.dumps(many))
    refuse_odd_files(folder)
    (folder / "tokenizer_config.json").write_text("[" + "[]," * 300_000 + "[]]")
    assert "nests more" in oddity(folder)


def test_folders_and_links_to_nothing_are_as_good_as_absent(tmp_path: Path) -> None:
    folder = make_tiny_llama(tmp_path)
    (folder / "tokenizer").mkdir()
    (folder / "LICENSE").symlink_to("LICENSE.pruned")
    refuse_odd_files(folder)
