"""What stands in the place of weights or a tokenizer is called by its name, with what to do."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from services.worker.failures import Failure, FailureCode, JobFailed
from services.worker.models.families.tokenizer import load_tokenizer
from services.worker.models.files.pickle_conversion import convert_pickles
from services.worker.models.files.weight_files import find_weights, read_headers
from services.worker.running_job import NoJob
from tests.tiny_models import make_tiny_llama

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:11\nsize 269060552\n"
PAGE = b"<!DOCTYPE html>\n<html><head><title>401</title></head><body>Please log in</body></html>\n" * 20
STAND_INS = [
    (
        POINTER,
        "a Git LFS pointer: a short text in the place of the file itself. The file itself has 269 MB.",
        "git lfs pull",
    ),
    (PAGE, "a web page, such as the page of an error or a log-in", "Download the file itself"),
    (bytes(5000), "nothing but zero bytes", "copy it again"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(make_tiny_llama(tmp_path / "made"), tmp_path / "model"))


def failure(act: Callable[[], object]) -> Failure:
    with pytest.raises(JobFailed) as caught:
        act()
    assert caught.value.failure.code == FailureCode.MODEL_UNREADABLE
    return caught.value.failure


@pytest.mark.parametrize(("content", "what", "remedy"), STAND_INS)
def test_in_the_place_of_a_shard(folder: Path, content: bytes, what: str, remedy: str) -> None:
    (folder / "model.safetensors").rename(folder / "model-00001-of-00002.safetensors")
    (folder / "model-00002-of-00002.safetensors").write_bytes(content)
    names = [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    index = {"metadata": {}, "weight_map": {name: name for name in names}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    failed = failure(lambda: read_headers(find_weights(folder).files))
    assert what in failed.message
    assert remedy in failed.remedy


@pytest.mark.parametrize(("content", "what", "remedy"), STAND_INS)
def test_in_the_place_of_a_pickle(folder: Path, content: bytes, what: str, remedy: str) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(content)
    data, job = folder.parent, NoJob()
    failed = failure(lambda: convert_pickles(folder, "m", revision=None, data_dir=data, job=job))
    assert what in failed.message
    assert remedy in failed.remedy


@pytest.mark.parametrize(("content", "what", "remedy"), STAND_INS)
def test_in_the_place_of_a_tokenizer(folder: Path, content: bytes, what: str, remedy: str) -> None:
    (folder / "tokenizer.json").write_bytes(content)
    config = json.loads((folder / "config.json").read_text())
    failed = failure(lambda: load_tokenizer(folder, config))
    assert failed.message.startswith("tokenizer.json is not the file that belongs there")
    assert what in failed.message
    assert remedy in failed.remedy
