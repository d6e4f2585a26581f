"""Writes an adapter of a family that runs under other names under the original repository's."""

import json
from pathlib import Path

from safetensors.torch import load, save_file

from services.worker.failures import FailureCode, JobFailed
from services.worker.models.files.model_folder import read_json
from shared.family_names import FamilyNames, UnknownModule
from shared.messages.message import say


def write_original_adapter(
    names: FamilyNames,
    folder: Path,
    destination: Path,
    *,
    base_name: str | None = None,
    revision: str | None = None,
) -> None:
    """Write the adapter in `folder`, which has the names as run, as a standard PEFT adapter in `destination`.

    `base_name` and `revision` are those of the original repository; None: as in the config in `folder`.
    Values and dtypes stay as they are.
    Raises JobFailed(ADAPTER_INVALID) for a name the mapping does not know: a wrong guess would be dropped
    silently where the adapter is loaded.
    """
    weights = load((folder / "adapter_model.safetensors").read_bytes())
    config = read_json(folder / "adapter_config.json")
    try:
        renamed = {names.original_key(key): tensor for key, tensor in weights.items()}
        original = names.original_config(config, weights)
    except UnknownModule as error:
        raise JobFailed(
            FailureCode.ADAPTER_INVALID,
            say("adapter-module-unknown", module=error.name, family=error.title),
            say("name-plain-layers"),
        ) from error
    destination.mkdir(parents=True, exist_ok=True)
    save_file(renamed, destination / "adapter_model.safetensors", metadata={"format": "pt"})
    original["base_model_name_or_path"] = base_name or config.get("base_model_name_or_path")
    original["revision"] = revision or config.get("revision")
    text = json.dumps(original, indent=2, sort_keys=True)
    (destination / "adapter_config.json").write_text(text, encoding="utf-8")
