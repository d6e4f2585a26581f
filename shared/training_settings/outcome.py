"""What reading a user's file of settings gave: the settings, and what they don't say."""

from typing import Any, Literal

from shared.messages.message import Message
from shared.schemas.frozen import Frozen
from shared.training_settings.settings import TrainingSettings

SettingsKind = Literal["training_arguments", "llama_factory", "axolotl"]
TITLES: dict[SettingsKind, str] = {
    "training_arguments": "HF TrainingArguments",
    "llama_factory": "LLaMA-Factory",
    "axolotl": "Axolotl",
}


class Ignored(Frozen):
    """A key of the user's file that has no meaning here."""

    key: str
    value: Any
    reason: Message


class Assumed(Frozen):
    """A field that the file does not give, and the value that stands in for it."""

    field: str
    value: Any
    reason: Message


class Differs(Frozen):
    """What the worker can't do as the user's training does; `curve`: its losses would be others."""

    field: str
    value: Any
    curve: bool
    reason: Message


class ReadSettings(Frozen):
    """A user's file, understood; `kind` is None where there was no file, only fields."""

    kind: SettingsKind | None
    settings: TrainingSettings
    ignored: tuple[Ignored, ...] = ()
    assumed: tuple[Assumed, ...] = ()
    differs: tuple[Differs, ...] = ()
