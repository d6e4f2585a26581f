"""The tools that a chat row offers the model, as the chat template takes them."""

import json

from shared.datasets.texts import BadRow, parsed_json
from shared.messages.said import say


def offered_tools(value: object) -> list[dict[str, object]]:
    """The JSON schemas in `value`, a list or the same as JSON in a string; empty if it holds none.

    Raises BadRow for text that can't be written down.
    """
    if isinstance(value, str):
        value = parsed_json(value)
    if not isinstance(value, list) or not all(isinstance(tool, dict) for tool in value):
        return []
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise BadRow(say("text-has-half-of-a-pair", name="`tools`")) from None
    return [_without_nulls(tool) for tool in value]


def _without_nulls(value: dict[str, object]) -> dict[str, object]:
    """Tables give every object all fields that any has."""
    return {name: _pruned(part) for name, part in value.items() if part is not None}


def _pruned(value: object) -> object:
    if isinstance(value, dict):
        return _without_nulls(value)
    return [_pruned(part) for part in value] if isinstance(value, list) else value
