"""Words of TrainingArguments, bitsandbytes and PEFT for what the settings have under another name."""

from collections.abc import Mapping
from typing import Any

from shared.errors import FieldError
from shared.messages.message import Message, say
from shared.training_settings.keys import Keys
from shared.training_settings.trainer_keys import take_precision, take_warmup, targets
from shared.training_settings.values import short

_LORA = {
    "r": ("lora_r", "lora.r"),
    "alpha": ("lora_alpha", "lora.alpha", "lora.lora_alpha"),
    "dropout": ("lora_dropout", "lora.dropout", "lora.lora_dropout"),
    "target_modules": ("lora_target_modules", "target_modules", "lora.target_modules"),
}
_PRECISIONS = ("bf16", "fp16")


def in_our_words(given: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str], list[FieldError]]:
    """The fields of `TrainingSettings` that `given` means; the word that each came from, where it is another;
    and what is wrong: a word beside the field that it stands for, or a value that it can't have.
    """
    words = {*_PRECISIONS, "load_in_4bit", "load_in_8bit", "group_by_length", "warmup_ratio"}
    words |= {word for some in _LORA.values() for word in some}
    keys = Keys({name: value for name, value in given.items() if name in words}, "")
    if any(name in given for name in _PRECISIONS):
        take_precision(keys, default="bf16")
    if (four := keys.flag("load_in_4bit", default=True)) and keys.flag("load_in_8bit", default=False):
        keys.set("quantization", "int8", "load_in_8bit")
    if not four:
        keys.set("quantization", None, "load_in_4bit")
    if keys.flag("group_by_length", default=False):
        keys.set("padding", "group_by_length", "group_by_length")
    take_warmup(keys)
    for part, names in _LORA.items():
        keys.put(f"lora.{part}", *names, read=targets if part == "target_modules" else lambda value: value)
    ours = {name: value for name, value in given.items() if name not in words}
    twice = [
        FieldError(word, _two_names(word, field, _held(ours, field)))
        for field, word in keys.source.items()
        if _is_held(ours, field)
    ]
    meant = {field: keys.values[field] for field in keys.source}  # what is only assumed stays as it is
    return {**ours, **meant}, keys.source, [*keys.problems, *twice]


def _two_names(word: str, field: str, value: Any) -> Message:
    return say("settings-two-names", key=word, other=field, value="null" if value is None else short(value))


def _is_held(ours: Mapping[str, Any], field: str) -> bool:
    outer, _, inner = field.partition(".")
    held = ours.get(outer)
    return (isinstance(held, Mapping) and inner in held) if inner else outer in ours


def _held(ours: Mapping[str, Any], field: str) -> Any:
    outer, _, inner = field.partition(".")
    return ours[outer][inner] if inner else ours[outer]
