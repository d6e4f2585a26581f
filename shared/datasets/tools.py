"""The tools that a chat row offers the model, as the chat template takes them, and calls of tools in it."""

import json
from collections.abc import Sequence

from shared.datasets.source import listed
from shared.datasets.texts import BadRow, half_of_a_character, parsed_json
from shared.messages.said import say

_TOOL_WORDS = frozenset(
    {"tool_calls", "tool_call_id", "function_call", "tool", "function", "observation", "function_response"}
)


def refuse_calls(messages: Sequence[object], tools: object = None) -> None:
    """Raise BadRow, once for the whole row, where messages are calls of tools or a tool's answers.

    `tools`: what the row offers the model beside them, which may stay.
    """
    signs = {number: found for number, message in enumerate(messages, start=1) if (found := _signs(message))}
    if signs:
        names = sorted(set().union(*signs.values()))
        called = say("messages-call-tools", number=min(signs), more=len(signs) - 1, names=listed(names))
        raise BadRow(say("sentences", sentences=[called, say("tools-may-stay")]) if tools else called)


def _signs(message: object) -> set[str]:
    """The fields of a message that belong to tools, and its role where it is a tool's."""
    if not isinstance(message, dict):
        return set()
    found = {name for name in _TOOL_WORDS & message.keys() if message[name] not in (None, [], {})}
    role = message.get("role", message.get("from"))
    if isinstance(role, str) and (lowered := role.strip().lower()) in _TOOL_WORDS:
        found.add(f"role: {lowered}")
    return found


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
    except UnicodeEncodeError as error:
        raise half_of_a_character(error, "`tools`") from None
    return [_without_nulls(tool) for tool in value]


def _without_nulls(value: dict[str, object]) -> dict[str, object]:
    """Tables give every object all fields that any has."""
    return {name: _pruned(part) for name, part in value.items() if part is not None}


def _pruned(value: object) -> object:
    if isinstance(value, dict):
        return _without_nulls(value)
    return [_pruned(part) for part in value] if isinstance(value, list) else value
