"""A part of a report as a page reads it: strings made visible, unknown fields passed over."""

import unicodedata
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator

_STEERING = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")


def visible(value: object) -> object:
    """A string without characters that hide or reorder others: those are written as escapes.

    Names and values in a report are anybody's, and a command is read before it is pasted.
    """
    if not isinstance(value, str):
        return value
    return "".join(_escaped(character) if _deceives(character) else character for character in value)


def _deceives(character: str) -> bool:
    if character in "\n\t":
        return False
    return (
        unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
        or unicodedata.bidirectional(character) in _STEERING
        or character in "\u200b\u200e\u200f\u061c\ufeff"
    )


def _escaped(character: str) -> str:
    return f"\\u{ord(character):04x}"


Text = Annotated[str, BeforeValidator(visible)]


class Part(BaseModel):
    """Base of a report's parts: immutable; a null is as good as absent, so that reports of any age draw."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {name: inner for name, inner in value.items() if inner is not None}
