"""What EXAONE's repository calls the modules that run under Llama's names here, in an adapter's files.

PEFT never sees how the base model's names were mapped, so it saves Llama's. On the original tree (vLLM, the
repository's own code, llama.cpp) such an adapter is refused or, worse, loaded in part without a word.
"""

import re
from collections.abc import Iterable
from typing import Any

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


class UnknownModule(ValueError):
    """A name that the mapping does not know: a wrong guess would be dropped silently where it is loaded."""


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


def _unknown(name: str) -> UnknownModule:
    return UnknownModule(f"{name!r} in the adapter names no module of EXAONE as Llama")
