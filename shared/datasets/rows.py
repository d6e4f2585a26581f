"""Checks one row of each format and reduces it to that format's fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from shared.datasets.formats import FORMAT_FIELDS, format_of
from shared.datasets.limits import DatasetLimits
from shared.datasets.source import names_text

if TYPE_CHECKING:
    from shared.schemas import RowFormat

Row = dict[str, object]
ROLES = ("system", "user", "assistant")
_JSON_TYPES: dict[type, str] = {
    bool: "a boolean",
    int: "a number",
    float: "a number",
    str: "a string",
    list: "a list",
    dict: "an object",
}


class BadRow(Exception):
    """A row that can't be used; the message says why without repeating its content."""


def normalise_row(
    fields: Mapping[str, object], format: RowFormat, columns: Mapping[str, str], limits: DatasetLimits
) -> Row:
    """The row with the format's own field names, in their order. Raises BadRow."""
    row: Row = {}
    for field in FORMAT_FIELDS[format]:
        column = columns.get(field, field)
        if fields.get(column) is None:
            raise BadRow(_missing(column, fields, format, columns))
        if field == "messages":
            row[field] = _conversation(fields[column])
        elif field == "label":
            row[field] = _label(fields[column], column, limits)
        else:
            row[field] = _text(fields[column], f"`{column}`")
    return row


def _missing(column: str, fields: Mapping[str, object], format: RowFormat, columns: Mapping[str, str]) -> str:
    if column in fields:
        return f"`{column}` is null"
    other = format_of(fields, {})
    if other is not None and other != format and FORMAT_FIELDS[other] != ("text",):
        return f"has the fields of `{other}`, but the data set is in the format `{format}`"
    seen = names_text(sorted(fields))
    return f"has no field `{column}`; the fields seen are {seen}; `columns` maps a field to another name"


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise BadRow(f"{name} must be a string, not {_json_type(value)}")
    if not value or value.isspace():
        raise BadRow(f"{name} is empty")
    if "\x00" in value:
        raise BadRow(f"{name} has a NUL character")
    if not value.isascii():
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise BadRow(f"{name} has half of a surrogate pair, which is not a character") from None
    return value


def _label(value: object, column: str, limits: DatasetLimits) -> str:
    """Labels become strings: 1 and 1.0 are "1", true is "true"; white space around them is dropped."""
    if isinstance(value, float) and value.is_integer():  # as pandas writes whole numbers beside a missing one
        value = int(value)
    if isinstance(value, int):
        value = str(value).lower()
    label = _text(value, f"`{column}`").strip()
    if len(label) > limits.label_characters:
        raise BadRow(f"`{column}` is longer than {limits.label_characters} characters; is it the label?")
    return label


def _conversation(value: object) -> list[Row]:
    """Messages of a chat: maybe one system message, then user and assistant in turn, the assistant last."""
    if not isinstance(value, list):
        raise BadRow(f"`messages` must be a list, not {_json_type(value)}")
    if not value:
        raise BadRow("`messages` is empty")
    messages = [_message(message, f"message {number}") for number, message in enumerate(value, start=1)]
    roles = [message["role"] for message in messages]
    if "assistant" not in roles:
        raise BadRow("no message is the assistant's: there is nothing to learn")
    first_turn = 1 if roles[0] == "system" else 0
    for index, role in enumerate(roles[first_turn:]):
        due = "assistant" if index % 2 else "user"
        if role != due:
            raise BadRow(f"message {first_turn + index + 1} is of role `{role}` where `{due}` is due")
    if roles[-1] != "assistant":
        raise BadRow("the last message must be the assistant's")
    return messages


def _message(value: object, name: str) -> Row:
    if not isinstance(value, dict):
        raise BadRow(f"{name} must be an object, not {_json_type(value)}")
    if extra := sorted(set(value) - {"role", "content", "name"}):
        raise BadRow(
            f"{name} has {names_text(extra)}, which is not supported; wanted are `role` and `content`"
        )
    role: object = value.get("role")
    if role not in ROLES:
        raise BadRow(f"{name} has an unknown `role`; wanted is one of {names_text(ROLES)}")
    return {"role": role, "content": _text(value.get("content"), f"`content` of {name}")}


def _json_type(value: object) -> str:
    if value is None:
        return "null"
    return _JSON_TYPES.get(type(value), type(value).__name__)
