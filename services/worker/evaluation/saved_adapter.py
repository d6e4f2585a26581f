"""A published adapter, put back on its base model after checking that both are what they should be."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from peft import LoraConfig
from safetensors import SafetensorError
from safetensors.torch import load

from services.worker.failures import FailureCode, JobFailed
from services.worker.loading.load import LoadedModel
from services.worker.training import adapter_folder, sealed_folder
from services.worker.training.adapter import attached, set_adapter_weights

_CONFIG_FIELDS = ("r", "lora_alpha", "lora_dropout", "target_modules", "bias")


@dataclass(frozen=True)
class SavedAdapter:
    """`folder` has the module names that the base runs under; `trained_as` is the result of its training."""

    folder: Path
    trained_as: dict[str, Any]


def open_adapter(folder: Path, base: LoadedModel) -> SavedAdapter:
    """Check the adapter published in `folder` against its manifest and against `base`.

    Raises `JobFailed` (adapter_invalid).
    """
    if base.architecture == "exaone":
        folder = folder.with_name("adapter-llama")
    manifest = sealed_folder.verified_manifest(folder)
    if manifest is None:
        raise _invalid("The adapter is damaged: its files are not those of its manifest.", "Train it again.")
    made_for, here = manifest["base"], adapter_folder.base_facts(base)
    if made_for["name"] != here["name"]:
        raise _invalid(
            f"The adapter was made for {made_for['name']}, and the base model is {here['name']}.",
            f"Name {made_for['name']} as the model.",
        )
    if None not in (made_for["revision"], here["revision"]) and made_for["revision"] != here["revision"]:
        raise _invalid(
            f"The adapter was made for revision {made_for['revision']} of {here['name']}, and the base model "
            f"is revision {here['revision']}.",
            f"Give the revision {made_for['revision']}.",
        )
    return SavedAdapter(folder, json.loads((folder / adapter_folder.RESULT).read_bytes()))


@contextmanager
def with_adapter(base: LoadedModel, adapter: SavedAdapter) -> Iterator[None]:
    """`base.model` with the adapter's weights; on leaving, the base is what it was before.

    Raises `JobFailed` (adapter_invalid) if the weights don't fit.
    """
    try:
        fields = json.loads((adapter.folder / adapter_folder.CONFIG).read_bytes())
        config = LoraConfig(task_type="CAUSAL_LM", **{name: fields[name] for name in _CONFIG_FIELDS})
        weights = load((adapter.folder / adapter_folder.WEIGHTS).read_bytes())
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as error:
        raise _invalid(f"The adapter can't be read: {error}", "Train it again.") from error
    with attached(base, config) as adapted:
        try:
            set_adapter_weights(adapted, weights)
        except ValueError as error:
            raise _invalid(
                f"The adapter does not fit {base.files.name}: {error}.", "Train it again."
            ) from error
        base.model.eval()
        yield


def _invalid(message: str, remedy: str) -> JobFailed:
    return JobFailed(FailureCode.ADAPTER_INVALID, message, remedy)
