"""Text of anybody's as it is shown: characters that steer, hide or reorder others are written as escapes."""

import unicodedata
from typing import Any

_STEERING = ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
_UNSEEN = "\u200b\u200e\u200f\u061c\ufeff"


def visible(text: str) -> str:
    """`text` with control characters, lone surrogates, steering and unseen ones as `\\u001b`.

    Line ends and tabs stay, and so does what scripts need (joiners, combining marks).
    """
    if text.isascii() and text.replace("\n", "").replace("\t", "").isprintable():
        return text
    return "".join(_escaped(character) if _deceives(character) else character for character in text)


def all_visible(value: Any) -> Any:
    """A JSON value with every text in it made visible: names and values in a file are anybody's."""
    if isinstance(value, str):
        return visible(value)
    if isinstance(value, list):
        return [all_visible(one) for one in value]
    if isinstance(value, dict):
        return {visible(name): all_visible(one) for name, one in value.items()}
    return value


def _deceives(character: str) -> bool:
    if character in "\n\t":
        return False
    return (
        unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
        or unicodedata.bidirectional(character) in _STEERING
        or character in _UNSEEN
    )


def _escaped(character: str) -> str:
    return f"\\u{ord(character):04x}"
