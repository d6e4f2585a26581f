"""Writes an adapter trained on EXAONE-as-Llama under the original repository's names.

PEFT never sees how the base model's names were mapped, so it saves Llama's. On the original tree (vLLM, the
repository's own code, llama.cpp) such an adapter is refused or, worse, loaded in part without a word.
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save_file

from services.worker.failures import FailureCode, JobFailed
from services.worker.loading.model_folder import read_json

# The parts of a Llama module path that EXAONE calls otherwise; the test holds them to exaone.MODULE_NAMES.
PART_NAMES = {
    "model": "transformer",
    "layers": "h",
    "self_attn": "attn.attention",
    "o_proj": "out_proj",
    "gate_proj": "c_fc_0",
    "up_proj": "c_fc_1",
    "down_proj": "c_proj",
    "input_layernorm": "ln_1",
    "post_attention_layernorm": "ln_2",
    "embed_tokens": "wte",
    "norm": "ln_f",
}
SAME_PARTS = frozenset({"q_proj", "k_proj", "v_proj", "mlp", "lm_head"})
PEFT_PREFIX = "base_model.model."

_LISTS_OF_MODULES = ("target_modules", "modules_to_save", "exclude_modules", "layers_pattern")
_TABLES_OF_MODULES = ("rank_pattern", "alpha_pattern")


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
    renamed = {original_key(key): tensor for key, tensor in weights.items()}
    destination.mkdir(parents=True, exist_ok=True)
    save_file(renamed, destination / "adapter_model.safetensors", metadata={"format": "pt"})
    original = original_config(config, weights)
    original["base_model_name_or_path"] = base_name or config.get("base_model_name_or_path")
    original["revision"] = revision or config.get("revision")
    text = json.dumps(original, indent=2, sort_keys=True)
    (destination / "adapter_config.json").write_text(text, encoding="utf-8")


def original_key(key: str) -> str:
    """`base_model.model.model.layers.0.self_attn.o_proj.lora_A.weight` → the same weight's name in EXAONE."""
    inner = key.removeprefix(PEFT_PREFIX)
    path, tail = _split_tail(inner)
    if inner == key or not path:
        raise _unknown(key)
    return f"{PEFT_PREFIX}{original_path(path)}.{tail}"


def original_path(path: str) -> str:
    """A module's path, or the end of one, in EXAONE's names; layer numbers stay."""
    return ".".join(_original_part(part, path) for part in path.split("."))


def original_config(config: dict[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    """adapter_config.json with the module names of the original repository; `keys` name the weights."""
    changed = dict(config)
    if isinstance(config.get("target_modules"), str):  # "all-linear" or a pattern: name what it came to
        changed["target_modules"] = sorted({_adapted_module(key) for key in keys if ".lora_" in key})
    for field in _LISTS_OF_MODULES:
        value = changed.get(field)
        if isinstance(value, str):
            changed[field] = original_path(value)
        elif value:
            changed[field] = sorted(original_path(name) for name in value)
    for field in _TABLES_OF_MODULES:
        changed[field] = {original_path(name): value for name, value in (config.get(field) or {}).items()}
    return {**changed, "auto_mapping": None}


def _split_tail(key: str) -> tuple[str, str]:
    """Cut a weight's name into the module's path and what PEFT or torch added to it."""
    found = re.search(r"\.(lora_\w+(\.\w+)*|weight|bias)$", key)
    return (key[: found.start()], found.group(1)) if found else ("", key)


def _adapted_module(key: str) -> str:
    return _split_tail(key)[0].rsplit(".", 1)[-1]


def _original_part(part: str, path: str) -> str:
    if part in PART_NAMES:
        return PART_NAMES[part]
    if part in SAME_PARTS or part.isdecimal():
        return part
    raise _unknown(path)


def _unknown(name: str) -> JobFailed:
    return JobFailed(
        FailureCode.ADAPTER_INVALID,
        f"{name!r} in the adapter names no module of EXAONE as Llama",
        "adapt linear layers by their plain names, for example q_proj, v_proj, o_proj or gate_proj",
    )
