"""Writes an adapter trained on EXAONE-as-Llama under the original repository's names."""

import json
from pathlib import Path

from safetensors.torch import load_file, save_file

from services.worker.failures import FailureCode, JobFailed
from services.worker.models.files.model_folder import read_json
from shared.exaone_names import UnknownModule, original_config, original_key


def write_original_adapter(
    llama_adapter_folder: Path,
    destination: Path,
    *,
    base_name: str | None = None,
    revision: str | None = None,
) -> None:
    """Write `destination/adapter_config.json` and `adapter_model.safetensors`, a standard PEFT adapter.

    `base_name` and `revision` are those of the original repository; None: as in the Llama adapter's config.
    Values and dtypes stay as they are.
    Raises JobFailed(ADAPTER_INVALID) for a name the mapping does not know: a wrong guess would be dropped
    silently where the adapter is loaded.
    """
    weights = load_file(llama_adapter_folder / "adapter_model.safetensors")
    config = read_json(llama_adapter_folder / "adapter_config.json")
    try:
        renamed = {original_key(key): tensor for key, tensor in weights.items()}
        original = original_config(config, weights)
    except UnknownModule as error:
        raise JobFailed(
            FailureCode.ADAPTER_INVALID,
            str(error),
            "adapt linear layers by their plain names, for example q_proj, v_proj, o_proj or gate_proj",
        ) from error
    destination.mkdir(parents=True, exist_ok=True)
    save_file(renamed, destination / "adapter_model.safetensors", metadata={"format": "pt"})
    original["base_model_name_or_path"] = base_name or config.get("base_model_name_or_path")
    original["revision"] = revision or config.get("revision")
    text = json.dumps(original, indent=2, sort_keys=True)
    (destination / "adapter_config.json").write_text(text, encoding="utf-8")
