"""The module names of a model family that runs here under another family's: both ways, in an adapter's files.

PEFT never sees how the base model's names were mapped, so it saves those that the base runs under. On the
original tree (vLLM, the repository's own code, llama.cpp) such an adapter is refused or, worse, loaded in
part without a word.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

PEFT_PREFIX = "base_model.model."

_LISTS_OF_MODULES = ("target_modules", "modules_to_save", "exclude_modules", "layers_pattern")
_TABLES_OF_MODULES = ("rank_pattern", "alpha_pattern")


class UnknownModule(ValueError):
    """A name that the mapping does not know: a wrong guess would be dropped silently where it is loaded."""

    def __init__(self, name: str, title: str) -> None:
        super().__init__(f"{name!r} in the adapter names no module of {title}")
        self.name, self.title = name, title


@dataclass(frozen=True)
class FamilyNames:
    """What one family calls its modules.

    `architecture` is the family in manifests and fingerprints, for good; `runs_under` names the family whose
    module names its models have in memory. `part_names` are the parts of a module's path in memory that the
    repository calls otherwise; `same_parts` those that both call alike.
    """

    architecture: str
    title: str
    runs_under: str
    part_names: Mapping[str, str]
    same_parts: frozenset[str]

    def original_key(self, key: str) -> str:
        """An adapter's weight by its repository's name.

        EXAONE: `base_model.model.model.layers.0.self_attn.o_proj.lora_A.weight` becomes
        `base_model.model.transformer.h.0.attn.attention.out_proj.lora_A.weight`. Raises `UnknownModule`.
        """
        inner = key.removeprefix(PEFT_PREFIX)
        path, tail = _split_tail(inner)
        if inner == key or not path:
            raise self._unknown(key)
        return f"{PEFT_PREFIX}{self.original_path(path)}.{tail}"

    def original_path(self, path: str) -> str:
        """A module's path, or the end of one, in the repository's names; layer numbers stay."""
        return ".".join(self._original_part(part, path) for part in path.split("."))

    def original_config(self, config: dict[str, Any], keys: Iterable[str]) -> dict[str, Any]:
        """adapter_config.json with the module names of the repository; `keys` name the weights."""
        changed = dict(config)
        if isinstance(config.get("target_modules"), str):  # "all-linear" or a pattern: name what it came to
            changed["target_modules"] = sorted({_adapted_module(key) for key in keys if ".lora_" in key})
        for field in _LISTS_OF_MODULES:
            value = changed.get(field)
            if isinstance(value, str):
                changed[field] = self.original_path(value)
            elif value:
                changed[field] = sorted(self.original_path(name) for name in value)
        for field in _TABLES_OF_MODULES:
            table = config.get(field) or {}
            changed[field] = {self.original_path(name): value for name, value in table.items()}
        return {**changed, "auto_mapping": None}

    def _original_part(self, part: str, path: str) -> str:
        if part in self.part_names:
            return self.part_names[part]
        if part in self.same_parts or part.isdecimal():
            return part
        raise self._unknown(path)

    def _unknown(self, name: str) -> UnknownModule:
        return UnknownModule(name, self.title)


def _split_tail(key: str) -> tuple[str, str]:
    """Cut a weight's name into the module's path and what PEFT or torch added to it."""
    found = re.search(r"\.(lora_\w+(\.\w+)*|weight|bias)$", key)
    return (key[: found.start()], found.group(1)) if found else ("", key)


def _adapted_module(key: str) -> str:
    return _split_tail(key)[0].rsplit(".", 1)[-1]
