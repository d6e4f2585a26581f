"""What a text of a row must be, and the words for a value that is something else."""

import json
import unicodedata
from collections.abc import Mapping

from shared.datasets.source import listed
from shared.messages.said import Said, say

Row = dict[str, object]
# Fillers, which Unicode counts among letters and marks.
INVISIBLE_LETTERS = "\u3164\uffa0\u034f\u17b4\u17b5"
_LONGEST_UNSEEN = 1000
_JSON_TYPES: dict[type, str] = {
    bool: "boolean",
    int: "number",
    float: "number",
    str: "string",
    list: "list",
    dict: "object",
}


class BadRow(Exception):
    """A row that can't be used; `faults` say why without repeating its content, the first one first."""

    def __init__(self, *faults: Said) -> None:
        super().__init__(*faults)
        self.faults = faults

    def __str__(self) -> str:
        return " ".join(map(str, self.faults))


def checked_text(value: object, name: str | Said) -> str:
    """`value` as it is, if it is a text with content; `name` is what a message calls it. Raises BadRow."""
    if not isinstance(value, str):
        raise BadRow(say("must-be-string", name=name, type=json_type(value)))
    if not value or value.isspace():
        raise BadRow(say("text-is-empty", name=name))
    if "\x00" in value:
        raise BadRow(say("text-has-nul", name=name))
    if not value.isascii():
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise half_of_a_character(error, name) from None
        if len(value) <= _LONGEST_UNSEEN and shows_nothing(value):
            raise BadRow(say("text-is-invisible", name=name))
    return value


def given(fields: Mapping[str, object], name: str) -> object:
    """The row's value of the field `name`. Raises BadRow where there is none, or it is null."""
    if (value := fields.get(name)) is not None:
        return value
    if name in fields:
        raise BadRow(say("field-is-null", name=f"`{name}`"))
    raise BadRow(say("row-has-no-field", name=f"`{name}`", seen=listed(sorted(fields))))


def half_of_a_character(error: UnicodeEncodeError, name: str | Said) -> BadRow:
    """What to raise for a text that UTF-8 has no bytes for: it has half of a surrogate pair."""
    half = f"\\u{ord(error.object[error.start]):04x}"
    return BadRow(say("text-has-half-of-a-pair", name=name, half=half))


def shows_nothing(text: str) -> bool:
    """Whether a text holds nothing but white space, format signs and fillers."""
    return all(sign in INVISIBLE_LETTERS or unicodedata.category(sign)[0] in "ZC" for sign in text)


def json_type(value: object) -> str:
    """The type in JSON's words, by which messages choose theirs."""
    if value is None:
        return "null"
    return _JSON_TYPES.get(type(value), type(value).__name__)


def carries_words(value: object) -> bool:
    """Whether a value holds something a reader would miss: letters, or a list or an object with content."""
    if isinstance(value, str):
        return not value.isspace() and (not value.isascii() or value.lower() != value.upper())
    return isinstance(value, list | dict) and bool(value)


def parsed_json(text: str) -> object:
    """The list or object a string holds as JSON; None where it holds none."""
    if not text.lstrip().startswith(("[", "{")):
        return None
    try:
        parsed: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return parsed
