"""A model family that runs as another one, whose class computes the same: all that differs is names."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from transformers import PreTrainedConfig

from shared.family_names import FamilyNames


@dataclass(frozen=True)
class Family:
    """What loading, training and export need to know of such a family; its own code never runs.

    `names` are those in an adapter's files. `as_run` makes of a config.json the configuration of
    `model_class`; it raises JobFailed. `module_names`: a module's path in the checkpoint → in `model_class`;
    `N` stands for the layer's number, and nothing is transposed. `chat_template` is for a tokenizer that has
    none. `tokenizer_class` replaces, beside an adapter, a class that would cut text otherwise than
    tokenizer.json.
    """

    names: FamilyNames
    model_type: str
    model_class: Any
    as_run: Callable[[Mapping[str, Any]], PreTrainedConfig]
    module_names: Mapping[str, str]
    chat_template: str | None
    tokenizer_class: str | None

    def describes(self, config: Mapping[str, Any]) -> bool:
        """Whether a config.json is of this family."""
        return config.get("model_type") == self.model_type

    def key_mapping(self) -> dict[str, str]:
        """Name in the checkpoint → name as run, as transformers' `key_mapping` wants it: one anchored pattern
        a module.
        """
        return {_pattern(original): _replacement(run) for original, run in self.module_names.items()}

    def name_as_run(self, name: str) -> str:
        """The last part of a module's name as run, for one that may be its repository's."""
        renamed = {old.rpartition(".")[2]: new.rpartition(".")[2] for old, new in self.module_names.items()}
        return renamed.get(name, name)


def _pattern(original: str) -> str:
    return "^" + re.escape(original).replace(r"\.N\.", r"\.(\d+)\.") + r"\."


def _replacement(run: str) -> str:
    return run.replace(".N.", r".\1.") + "."
