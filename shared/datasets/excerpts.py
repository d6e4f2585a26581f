"""What a row has where something is wrong with it, cut short: for its owner, who looks for it in the file."""

from __future__ import annotations

import json
from collections.abc import Mapping

from shared.messages.said import Said

LONGEST = 160
_BEFORE = 60  # characters that are shown before the place of a fault


def value_seen(said: Said, fields: Mapping[str, object]) -> str:
    """Of the field, or of the message, that `said` names; the whole row where it names none."""
    name = said.values.get("name")
    if isinstance(name, Said):  # a part of a message
        return _of_message(name.values.get("number"), fields)
    if isinstance(name, str) and (field := name.strip("`")) in fields:
        return shortened(written(fields[field]))
    if "number" in said.values:
        return _of_message(said.values["number"], fields)
    return shortened(written(dict(fields)))


def _of_message(number: object, fields: Mapping[str, object]) -> str:
    lists = (value for value in fields.values() if isinstance(value, list))
    messages = next((value for value in lists if value and isinstance(value[0], dict)), None)
    if messages and isinstance(number, int) and 0 < number <= len(messages):
        return shortened(written(messages[number - 1]))
    return shortened(written(dict(fields)))


def written(value: object) -> str:
    """As JSON has it; a text without its quotes."""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False, default=str)
    except (TypeError, ValueError, RecursionError):
        return type(value).__name__


def shortened(text: str, place: int = 0) -> str:
    """At most `LONGEST` characters of it around `place` (0 is the first); … stands for what is left out."""
    text = text.encode("utf-8", "backslashreplace").decode()  # half of a surrogate pair is no text
    begin = max(0, min(place - _BEFORE, len(text) - LONGEST))
    end = begin + LONGEST
    return ("…" if begin else "") + text[begin:end] + ("…" if end < len(text) else "")
