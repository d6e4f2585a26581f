"""Which names model folders have, and what a folder is told to lack."""

import json
import os
import unicodedata
from pathlib import Path

import pytest

from shared.messages.render import render
from shared.model_folders import model_folder, model_folder_names, what_is_wrong, what_weights_lack

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:11\nsize 269060552\n"


def folder_with(folder: Path, *files: str) -> Path:
    folder.mkdir(parents=True)
    for name in files:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("{}")
    return folder


@pytest.mark.parametrize("name", ["tiny", "a (1)", "모델 2.4B", "v1.0+x", "org/a (1)", "a..b", "[x]{y}#&;'"])
def test_any_name_that_can_be_shown_is_found_and_listed(tmp_path: Path, name: str) -> None:
    folder = folder_with(tmp_path / name, "config.json")
    assert model_folder(name, (tmp_path,)) == folder
    assert model_folder_names((tmp_path,)) == [name]


def test_a_name_that_macos_spelled_otherwise_is_the_same(tmp_path: Path) -> None:
    folder = folder_with(tmp_path / unicodedata.normalize("NFD", "한국어/모델"), "config.json")
    assert model_folder(unicodedata.normalize("NFC", "한국어/모델"), (tmp_path,)) == folder


def test_no_name_leads_out_of_the_folder(tmp_path: Path) -> None:
    folder_with(tmp_path / "models/tiny", "config.json")
    folder_with(tmp_path / "models/.hidden", "config.json")
    names = ["..", ".", "../models", "/etc", "tiny/", "a/../tiny", "tiny\0", "", "tiny/..", "./tiny"]
    names += [".hidden", "tiny/../tiny", "a\\b", " tiny", "tiny\n", "//", "/", "x" * 300]
    for name in names:
        assert model_folder(name, (tmp_path / "models",)) is None, name
    assert model_folder_names((tmp_path / "models",)) == ["tiny"]


def test_copies_that_the_worker_keeps_are_no_models_of_their_own(tmp_path: Path) -> None:
    for name, manifest in (("own", None), ("demo", "{}"), ("quantized", '{"kind": "nf4"}'), ("torn", "{")):
        folder_with(tmp_path / name, "config.json")
        if manifest:
            (tmp_path / name / "manifest.json").write_text(manifest)
    folder_with(tmp_path / "own/onnx", "config.json")
    assert model_folder_names((tmp_path,)) == ["demo", "own", "torn"]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ((), "is empty"),
        (("adapter_config.json", "adapter_model.safetensors"), "It is an adapter"),
        (("config.json", "adapter_config.json", "model.safetensors"), "It is an adapter"),
        (("model.Q4_K_M.gguf", "README.md"), "holds model.Q4_K_M.gguf. GGUF is the format of llama.cpp"),
        (("inner/config.json",), "one level deeper, in inner"),
        (("refs/main", "snapshots/abc"), "is an entry of a Hugging Face cache"),
        (("model.safetensors", "x.txt"), "has no config.json. It holds model.safetensors and x.txt."),
    ],
)
def test_a_folder_that_is_no_base_model_says_what_it_is(
    tmp_path: Path, files: tuple[str, ...], said: str
) -> None:
    wrong = what_is_wrong(folder_with(tmp_path / "m", *files), "org/m")
    assert wrong is not None
    message = render(wrong.message)
    assert message.startswith("The model folder org/m ")
    assert said in message
    assert render(wrong.remedy)


def test_an_adapter_names_its_base(tmp_path: Path) -> None:
    folder = folder_with(tmp_path / "m", "adapter_model.safetensors")
    (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "org/base"}))
    wrong = what_is_wrong(folder, "m")
    assert wrong is not None
    assert wrong.lack == "model_unsupported"
    assert "an adapter of the base model org/base" in render(wrong.message)
    assert "use org/base," in render(wrong.remedy)
    assert "opy the whole model" not in render(wrong.remedy)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ((), "has no weights"),
        (("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"), "has 2 shards of weights"),
        (("pytorch_model-00001-of-00002.bin",), "not the index pytorch_model.bin.index.json"),
        (
            ("consolidated.safetensors", "params.json"),
            "transformers does not load: consolidated.safetensors.",
        ),
        (("ggml-model.gguf",), "GGUF is the format of llama.cpp"),
    ],
)
def test_weights_that_are_missing_are_told_from_those_of_another_form(
    tmp_path: Path, files: tuple[str, ...], said: str
) -> None:
    folder = folder_with(tmp_path / "m", "config.json", *files)
    assert what_is_wrong(folder, "m") is None
    wrong = what_weights_lack(folder, "m")
    assert wrong is not None
    assert said in render(wrong.message)


def test_a_pointer_of_git_lfs_is_no_file(tmp_path: Path) -> None:
    folder = folder_with(tmp_path / "m", "config.json")
    (folder / "model.safetensors").write_bytes(POINTER)
    wrong = what_weights_lack(folder, "m")
    assert wrong is not None
    assert "a Git LFS pointer in place of model.safetensors" in render(wrong.message)
    (folder / "config.json").write_bytes(POINTER)
    wrong = what_is_wrong(folder, "m")
    assert wrong is not None
    assert "a Git LFS pointer in place of config.json" in render(wrong.message)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    folder = folder_with(tmp_path / "m")
    for name in ("config.json", "adapter_config.json", "manifest.json", "model.safetensors"):
        os.mkfifo(folder / name)
    assert what_is_wrong(folder, "m") is not None
    assert model_folder_names((tmp_path,)) == []
