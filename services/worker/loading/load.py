"""Loads a base model into memory: checked files, dtype and quantization as asked, each phase timed."""

import logging
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from transformers import GenerationConfig, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import logging as transformers_logging

from services.worker.failures import FailureCode, JobFailed
from services.worker.loading import nf4
from services.worker.loading.abilities import UNKNOWN, Abilities
from services.worker.loading.architecture import Architecture, ModelPlan, plan_model
from services.worker.loading.byte_progress import ByteProgress
from services.worker.loading.config_sizes import refuse_another_model, refuse_impossible_sizes
from services.worker.loading.fit import require_fit
from services.worker.loading.hub_cache import ModelFiles
from services.worker.loading.memory import (
    is_out_of_memory,
    out_of_memory_explained,
    refuse_what_cannot_fit,
)
from services.worker.loading.model_folder import read_json, refuse_odd_files, refuse_outside_links
from services.worker.loading.page_cache import available_memory_bytes, read_into_cache
from services.worker.loading.phases import LoadPhases
from services.worker.loading.tokenizer import load_tokenizer
from services.worker.loading.unchanged import UnchangedFiles, disk_errors_explained
from services.worker.loading.weight_files import Weights, find_weights, read_headers
from services.worker.report import JobStopped, Report

logger = logging.getLogger(__name__)

SECONDS_BETWEEN_LOOKS = 0.5
QUANT_STATE = ".quant_state.bitsandbytes__"
Quantization = Literal["nf4", "none"]


@dataclass
class LoadedModel:
    """A base model in memory, frozen and in evaluation mode.

    `phase_seconds` has the keys of `phases.PHASES`; `weight_bytes` is the size of the weight files and
    `opened_files` those of them that were really mapped. With `architecture` "exaone" the module names are
    Llama's, not the original ones.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    files: ModelFiles
    quantization: Quantization
    device: torch.device
    phase_seconds: dict[str, float]
    weight_bytes: int
    opened_files: list[Path]
    architecture: Architecture
    was_quantized: bool = False
    """The checkpoint itself holds 4-bit weights."""
    from_artifact: bool = False
    abilities: Abilities = UNKNOWN


def load_base_model(
    files: ModelFiles,
    *,
    quantization: Quantization,
    dtype: torch.dtype,
    device: torch.device,
    report: Report,
    for_chat: bool = False,
) -> LoadedModel:
    """Load the model in `files.folder` onto `device`; `for_chat` if conversations are to be rendered.

    `dtype` is that of all weights that are not quantized and of the arithmetic of those that are. Nothing is
    executed from the model's files and no pickle is opened. Raises JobFailed: MODEL_UNREADABLE,
    MODEL_UNSUPPORTED, MODEL_REFUSED, OUT_OF_MEMORY.
    """
    phases = LoadPhases(device)
    with phases.time("resolve"):
        report.progress("resolving", model=files.name)
        config = read_config(files.folder)
        weights = _safetensors_of(files.folder)
        watched = UnchangedFiles(weights.files)
        headers = read_headers(weights.files)
        refuse_impossible_sizes(config, headers)
        plan = plan_model(config)
        _refuse_false_quantization(files.folder, plan, headers)
        with _unreadable_explained(files.folder):
            skeleton = refuse_another_model(plan, headers)
            abilities = Abilities.of(plan, skeleton, dtype, nf4=quantization == "nf4")
        refuse_what_cannot_fit(abilities.loaded_bytes, device)
        tokenizer = load_tokenizer(files.folder, config)
        require_fit(tokenizer, abilities, report, for_chat=for_chat)
    with phases.time("read"), disk_errors_explained():
        progress = ByteProgress(report, "reading", weights.bytes)
        read_into_cache(weights.files, available_memory_bytes(), progress.reached)
    progress = ByteProgress(report, "loading", weights.bytes)

    next_look = 0.0

    def on_tensor(count: int) -> None:
        nonlocal next_look
        progress.add(count)
        if (now := time.monotonic()) >= next_look:  # a look costs a request a file, on a network mount say
            next_look = now + SECONDS_BETWEEN_LOOKS
            watched.require()

    with out_of_memory_explained(device), phases.measured_inside(weights.files, on_tensor):
        model = _from_pretrained(files.folder, plan, quantization, dtype, phases)
    watched.require()
    make_ready(model)
    return LoadedModel(
        model=model,
        tokenizer=tokenizer,
        files=files,
        quantization=quantization,
        device=device,
        phase_seconds=phases.finish(),
        weight_bytes=weights.bytes,
        opened_files=list(phases.opened_files),
        architecture=plan.architecture,
        was_quantized=plan.is_quantized,
        abilities=abilities,
    )


def read_config(folder: Path) -> dict[str, Any]:
    """A base model's config.json. Raises JobFailed(MODEL_REFUSED, MODEL_UNSUPPORTED, MODEL_UNREADABLE)."""
    refuse_outside_links(folder)
    refuse_odd_files(folder)
    if (folder / "adapter_config.json").exists():
        raise JobFailed(
            FailureCode.MODEL_UNSUPPORTED,
            f"model folder {folder.name!r} holds adapter_config.json: it is an adapter, not a base model",
            "name the base model; to evaluate an adapter, name it as `adapter`",
        )
    return read_json(folder / "config.json")


def _safetensors_of(folder: Path) -> Weights:
    weights = find_weights(folder)
    if weights.form != "safetensors":
        raise JobFailed(
            FailureCode.MODEL_REFUSED,
            f"{weights.files[0].name} is a pickle, which this process does not open",
            "resolve the model first: that converts `.bin` weights in a sandbox",
        )
    return weights


def _refuse_false_quantization(folder: Path, plan: ModelPlan, headers: Mapping[str, Any]) -> None:
    """A layer that is promised 4-bit weights and gets others fails only when it is used."""
    if plan.is_quantized and not any(QUANT_STATE in name for name in headers):
        raise _unreadable(folder, "config.json says that they are quantized, and no tensor is")


def _from_pretrained(
    folder: Path, plan: ModelPlan, quantization: Quantization, dtype: torch.dtype, phases: LoadPhases
) -> PreTrainedModel:
    quantize = quantization == "nf4" and not plan.is_quantized
    with _unreadable_explained(folder, phases), _quiet_and_sequential():
        model, found = plan.model_class.from_pretrained(
            folder,
            config=plan.config,
            generation_config=GenerationConfig(),  # nothing is generated, so its file stays closed
            key_mapping=plan.key_mapping,
            quantization_config=nf4.quantization_config(dtype) if quantize else None,
            dtype=dtype,
            device_map={"": phases.device},
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    _check_complete(folder, plan, found)
    return model


@contextmanager
def _unreadable_explained(folder: Path, phases: LoadPhases | None = None) -> Iterator[None]:
    """What wrong files make the libraries raise has no common base; the log has the traceback."""
    try:
        yield
    except (JobFailed, JobStopped):
        raise
    except Exception as error:
        cause = (phases.quantize_error if phases else None) or error
        if is_out_of_memory(cause):
            raise cause from None
        logger.warning("%s was not loaded", folder, exc_info=error)
        raise _unreadable(folder, f"{type(error).__name__}: {error}") from error


def _check_complete(folder: Path, plan: ModelPlan, found: dict[str, Any]) -> None:
    """Every weight of the model must have come from the files: a missing one would be random."""
    kinds = ["missing_keys", "mismatched_keys"] + (
        ["unexpected_keys"] if plan.architecture == "exaone" else []
    )
    if wrong := {kind: sorted(map(str, found[kind])) for kind in kinds if found[kind]}:
        kind, names = next(iter(wrong.items()))
        raise _unreadable(folder, f"{len(names)} {kind.replace('_', ' ')}, the first is {names[0][:100]!r}")


def make_ready(model: PreTrainedModel) -> None:
    """Freeze it and set it up for training through its 4-bit layers."""
    model.requires_grad_(False)
    model.config.use_cache = False
    model.eval()
    nf4.keep_weights_trainable_through(model)


@contextmanager
def _quiet_and_sequential() -> Iterator[None]:
    """No progress bar on the terminal, and one tensor after the other.

    transformers would load unquantized models with four threads, which mixes the phases' times and reads a
    hard disk in four places at once.
    """
    variable = "HF_DEACTIVATE_ASYNC_LOAD"
    before, bars = os.environ.get(variable), transformers_logging.is_progress_bar_enabled()
    verbosity = transformers_logging.get_verbosity()
    os.environ[variable] = "1"
    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()  # a line for each tensor without a place
    try:
        yield
    finally:
        transformers_logging.set_verbosity(verbosity)
        os.environ.pop(variable) if before is None else os.environ.update({variable: before})
        if bars:
            transformers_logging.enable_progress_bar()


def _unreadable(folder: Path, what: str) -> JobFailed:
    return JobFailed(
        FailureCode.MODEL_UNREADABLE,
        f"the weights in {folder.name!r} are not those of its config.json: {what[:500]}",
        "fetch the model again; config.json and weights must be of the same revision",
    )
