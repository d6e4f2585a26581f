"""A message: the id of a sentence and the values in it, and how both are stored as one text."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Union

from pydantic import BaseModel, ConfigDict, ValidationError

from shared.json_text import json_text

Value = Union[bool, int, float, str, None, "Message", tuple["str | Message", ...]]


class Message(BaseModel):
    """A sentence of the message files, not yet in any language.

    Units are in the names of values: what ends in `_bytes`, `_bytes_per_second`, `_seconds` or `_ratio` is
    written as such, `run_seconds` in minutes or hours where it is long, a list that ends in `_choices` with
    "or", one that ends in `_sum` with plus signs. `render.py` has the rest.
    A value may itself be a message, or a list of texts or messages.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    message_id: str
    values: dict[str, Value] = {}


def say(
    message_id: str, **values: bool | int | float | str | Path | Message | Sequence[str | Message] | None
) -> Message:
    """The message `message_id` of the files with its values; paths become text."""
    return Message.model_validate(
        {"message_id": message_id, "values": {k: _plain(v) for k, v in values.items()}}
    )


def stored(text: str | Message) -> str:
    """What a record or a journal keeps: a message as JSON, a text as it is."""
    return text if isinstance(text, str) else json_text(text.model_dump(mode="json"))


def read_stored(text: str) -> str | Message:
    """The message in a stored text; a text of before there were messages comes back as it is."""
    if not text.startswith('{"'):
        return text
    try:
        return Message.model_validate(json.loads(text))
    except (ValueError, RecursionError, ValidationError):
        return text


def _plain(value: object) -> object:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, list | tuple):
        return tuple(_plain(item) for item in value)
    return value


def with_texts(message: Message, changed: Callable[[str], str]) -> Message:
    """`message` with every text among its values `changed`, however deep it lies."""

    def value(one: Value) -> Value:
        match one:
            case Message():
                return with_texts(one, changed)
            case str():
                return changed(one)
            case tuple():
                return tuple(item(each) for each in one)
        return one

    def item(one: str | Message) -> str | Message:
        return changed(one) if isinstance(one, str) else with_texts(one, changed)

    return message.model_copy(update={"values": {name: value(one) for name, one in message.values.items()}})
