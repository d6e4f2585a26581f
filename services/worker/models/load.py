"""Loads a base model into memory: checked files, dtype and quantization as asked, each phase timed."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import torch
from transformers import GenerationConfig, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import logging as transformers_logging

from services.worker.models.families.abilities import UNKNOWN, Abilities
from services.worker.models.families.blueprint import Blueprint
from services.worker.models.families.family import Family
from services.worker.models.families.fit import require_fit
from services.worker.models.families.look import Quantization, look, not_its_weights, weights_explained
from services.worker.models.families.renamed import architecture_of
from services.worker.models.files.unchanged import disk_errors_explained
from services.worker.models.hub.model_places import ModelFiles
from services.worker.models.memory import out_of_memory_explained, refuse_what_cannot_fit
from services.worker.models.quantized import nf4
from services.worker.models.reading.byte_progress import ByteProgress
from services.worker.models.reading.page_cache import available_memory_bytes, read_into_page_cache
from services.worker.models.reading.phases import LoadPhases
from services.worker.running_job import RunningJob
from shared.messages.message import say

__all__ = ["LoadedModel", "Quantization", "load_base_model", "make_ready"]

SECONDS_BETWEEN_LOOKS = 0.5


@dataclass
class LoadedModel:
    """A base model in memory, frozen and in evaluation mode.

    `phase_seconds` has the keys of `phases.PHASES`; `weight_bytes` is the size of the weight files and
    `opened_files` those of them that were really mapped. With a `family` the module names are those that it
    runs under, not the original ones.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    files: ModelFiles
    quantization: Quantization
    device: torch.device
    phase_seconds: dict[str, float]
    weight_bytes: int
    opened_files: list[Path]
    family: Family | None
    was_quantized: bool = False
    """The checkpoint itself holds 4-bit weights."""
    from_artifact: bool = False
    abilities: Abilities = UNKNOWN

    @property
    def architecture(self) -> str:
        """The model's family as manifests and fingerprints have it."""
        return architecture_of(self.family)


def load_base_model(
    files: ModelFiles,
    *,
    quantization: Quantization,
    dtype: torch.dtype,
    device: torch.device,
    job: RunningJob,
    for_chat: bool = False,
) -> LoadedModel:
    """Load the model in `files.folder` onto `device`; `for_chat` if conversations are to be rendered.

    `dtype` is that of all weights that are not quantized and of the arithmetic of those that are. Nothing is
    executed from the model's files and no pickle is opened. Raises JobFailed: MODEL_UNREADABLE,
    MODEL_UNSUPPORTED, MODEL_REFUSED, OUT_OF_MEMORY.
    """
    phases = LoadPhases(device)
    with phases.time("resolve"):
        job.progress("resolving", model=files.name)
        seen = look(files.folder, quantization=quantization, dtype=dtype)
        blueprint, weights, watched = seen.blueprint, seen.weights, seen.watched
        refuse_what_cannot_fit(seen.abilities.loaded_bytes, device)
        require_fit(seen.tokenizer, seen.abilities, job, for_chat=for_chat)
    with phases.time("read"), disk_errors_explained():
        progress = ByteProgress(job, "reading", weights.bytes)
        read_into_page_cache(weights.files, available_memory_bytes(), progress.reached)
    progress = ByteProgress(job, "loading", weights.bytes)

    next_look = 0.0

    def on_tensor(count: int) -> None:
        nonlocal next_look
        progress.add(count)
        if (now := time.monotonic()) >= next_look:  # a look costs a request a file, on a network mount say
            next_look = now + SECONDS_BETWEEN_LOOKS
            watched.require()

    def on_lost_page(error: OSError) -> NoReturn:
        watched.require()  # it was cut short, most likely
        with disk_errors_explained():
            raise error

    inside = phases.measured_inside(weights.files, on_tensor, on_lost_page)
    with out_of_memory_explained(device), inside:
        model = _from_pretrained(files.folder, blueprint, quantization, dtype, phases)
    watched.require()
    phases.values.judge(weights.files, dtype, job)
    make_ready(model)
    return LoadedModel(
        model=model,
        tokenizer=seen.tokenizer,
        files=files,
        quantization=quantization,
        device=device,
        phase_seconds=phases.finish(),
        weight_bytes=weights.bytes,
        opened_files=list(phases.opened_files),
        family=blueprint.family,
        was_quantized=blueprint.is_quantized,
        abilities=seen.abilities,
    )


def _from_pretrained(
    folder: Path, blueprint: Blueprint, quantization: Quantization, dtype: torch.dtype, phases: LoadPhases
) -> PreTrainedModel:
    quantize = quantization == "nf4" and not blueprint.is_quantized
    with weights_explained(folder, phases), _quiet_and_sequential():
        model, found = blueprint.model_class.from_pretrained(
            folder,
            config=blueprint.config,
            generation_config=GenerationConfig(),  # nothing is generated, so its file stays closed
            key_mapping=blueprint.key_mapping,
            quantization_config=nf4.quantization_config(dtype) if quantize else None,
            dtype=dtype,
            device_map={"": phases.device},
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    _check_complete(folder, blueprint, found)
    return model


def _check_complete(folder: Path, blueprint: Blueprint, found: dict[str, Any]) -> None:
    """Every weight of the model must have come from the files: a missing one would be random."""
    kinds = ["missing_keys", "mismatched_keys"] + (["unexpected_keys"] if blueprint.family else [])
    if wrong := {kind: sorted(map(str, found[kind])) for kind in kinds if found[kind]}:
        kind, names = next(iter(wrong.items()))
        count, first = len(names), repr(names[0][:100])
        raise not_its_weights(folder, say("weights-differ", kind=kind, count=count, first=first))


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
