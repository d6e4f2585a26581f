"""Messages inside a stored document become sentences, as its readers expect them."""

from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError

from shared.messages.message import Message
from shared.messages.render import told


def in_sentences(value: Any) -> Any:
    """A JSON value with the reader's sentence wherever it holds a message.

    For programs the ids and values stand beside it: `title` becomes a text, and `title_message` the message;
    of `evidence`, a list, `evidence_messages`.
    """
    if isinstance(value, dict):
        if message := _message(value):
            return told(message)
        return {name: field for part in value.items() for name, field in _fields(*part)}
    if isinstance(value, list):
        return [in_sentences(item) for item in value]
    return value


def _fields(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    yield name, in_sentences(value)
    if _message(value):
        yield f"{name}_message", value
    elif isinstance(value, list) and any(_message(item) for item in value):
        yield f"{name}_messages", value


def _message(value: Any) -> Message | None:
    if not isinstance(value, dict) or value.keys() != {"message_id", "values"}:
        return None
    try:
        return Message.model_validate(value)
    except (ValidationError, RecursionError):  # names that a user chose, labels for example
        return None
