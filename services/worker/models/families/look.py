"""What is seen of a base model before a weight is read: blueprint, abilities and tokenizer, or why it fails.

The loader begins with it, and a diagnosis without a trial load has nothing else to go by.
"""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from transformers import PreTrainedTokenizerBase

from services.worker.failures import FailureCode, JobFailed
from services.worker.models.families.abilities import Abilities
from services.worker.models.families.blueprint import Blueprint, choose_blueprint
from services.worker.models.families.tokenizer import load_tokenizer
from services.worker.models.files.config_sizes import refuse_another_model, refuse_impossible_sizes
from services.worker.models.files.model_folder import read_json, refuse_odd_files, refuse_outside_links
from services.worker.models.files.unchanged import UnchangedFiles
from services.worker.models.files.weight_files import Weights, find_weights, read_headers
from services.worker.models.memory import is_out_of_memory
from services.worker.models.reading.phases import LoadPhases
from services.worker.running_job import JobStopped
from shared.messages.message import Message, say
from shared.model_folders import what_is_wrong

logger = logging.getLogger(__name__)

QUANT_STATE = ".quant_state.bitsandbytes__"
Quantization = Literal["nf4", "none"]


@dataclass(frozen=True)
class Seen:
    """`watched` tells of weight files that change from now on."""

    blueprint: Blueprint
    weights: Weights
    watched: UnchangedFiles
    abilities: Abilities
    tokenizer: PreTrainedTokenizerBase


def look(folder: Path, *, quantization: Quantization, dtype: torch.dtype) -> Seen:
    """Read config, headers and tokenizer of the model in `folder`, and build it without memory.

    Raises JobFailed: MODEL_UNREADABLE, MODEL_UNSUPPORTED, MODEL_REFUSED.
    """
    config = read_config(folder)
    weights = _safetensors_of(folder)
    watched = UnchangedFiles(weights.files)
    headers = read_headers(weights.files)
    blueprint, abilities = abilities_of(folder, config, headers, quantization=quantization, dtype=dtype)
    return Seen(blueprint, weights, watched, abilities, load_tokenizer(folder, config))


def abilities_of(
    folder: Path,
    config: dict[str, Any],
    headers: Mapping[str, Any],
    *,
    quantization: Quantization,
    dtype: torch.dtype,
) -> tuple[Blueprint, Abilities]:
    """What the model of a config.json and its files' headers can do. Raises JobFailed as `look`."""
    refuse_impossible_sizes(config, headers)
    blueprint = choose_blueprint(config)
    _refuse_false_quantization(folder, blueprint, headers)
    with weights_explained(folder):
        skeleton = refuse_another_model(blueprint, headers)
        return blueprint, Abilities.of(blueprint, skeleton, dtype, nf4=quantization == "nf4")


def read_config(folder: Path) -> dict[str, Any]:
    """A base model's config.json. Raises JobFailed(MODEL_REFUSED, MODEL_UNSUPPORTED, MODEL_UNREADABLE)."""
    refuse_outside_links(folder)
    refuse_odd_files(folder)
    if (wrong := what_is_wrong(folder, folder.name)) is not None and wrong.lack == "model_unsupported":
        raise JobFailed(FailureCode.MODEL_UNSUPPORTED, wrong.message, wrong.remedy)
    return read_json(folder / "config.json")


def _safetensors_of(folder: Path) -> Weights:
    weights = find_weights(folder)
    if weights.form != "safetensors":
        raise JobFailed(
            FailureCode.MODEL_REFUSED,
            say("pickle-not-opened", file=weights.files[0].name),
            say("resolve-model-first"),
        )
    return weights


def _refuse_false_quantization(folder: Path, blueprint: Blueprint, headers: Mapping[str, Any]) -> None:
    """A layer that is promised 4-bit weights and gets others fails only when it is used."""
    if blueprint.is_quantized and not any(QUANT_STATE in name for name in headers):
        raise not_its_weights(folder, say("no-tensor-quantized"))


@contextmanager
def weights_explained(folder: Path, phases: LoadPhases | None = None) -> Iterator[None]:
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
        raise not_its_weights(folder, f"{type(error).__name__}: {error}"[:500]) from error


def not_its_weights(folder: Path, why: str | Message) -> JobFailed:
    """The failure of weights that are not those of their config.json."""
    return JobFailed(
        FailureCode.MODEL_UNREADABLE,
        say("weights-of-other-config", folder=folder.name, why=why),
        say("fetch-model-of-one-revision"),
    )
