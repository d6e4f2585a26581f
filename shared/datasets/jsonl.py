"""Reads JSON lines: one object a line, by the letter of RFC 8259 and without its loose ends."""

import json
from collections.abc import Iterator
from typing import BinaryIO

from shared.datasets.limits import DatasetLimits
from shared.datasets.lines import numbered_lines
from shared.datasets.source import Problem, Record, Source, listed
from shared.datasets.texts import json_type, parsed_json
from shared.messages.said import Said, say

_PARSER_FAULTS = {
    "Expecting value": "value",
    "Expecting property name enclosed in double quotes": "name",
    "Illegal trailing comma before end of object": "name",
    "Expecting ':' delimiter": "colon",
    "Expecting ',' delimiter": "comma",
    "Unterminated string starting at": "string",
    "Invalid control character at": "control",
    "Invalid \\escape": "escape",
    "Invalid \\uXXXX escape": "escape",
    "Extra data": "more",
}
"""By what Python's parser says; messages choose their words by the second."""


class Refused(ValueError):
    """JSON that Python's parser takes and we don't."""

    def __init__(self, said: Said) -> None:
        super().__init__(said)
        self.said = said


def open_jsonl(stream: BinaryIO, limits: DatasetLimits) -> Source:
    return Source("line", None, _records(stream, limits))


def _records(stream: BinaryIO, limits: DatasetLimits) -> Iterator[Record | Problem]:
    for item in numbered_lines(stream, limits.line_bytes):
        if isinstance(item, Problem):
            yield item
        elif item[1] and not item[1].isspace():
            yield _parse(
                item[0], item[1].removeprefix("\ufeff"), limits.depth
            )  # files with marks were joined


def _parse(number: int, line: str, deepest: int) -> Record | Problem:
    try:
        value = decoder.decode(line)
    except json.JSONDecodeError as error:
        return Problem(number, _not_json(line, error))
    except Refused as error:
        return Problem(number, error.said)
    except RecursionError:
        return Problem(number, say("nested-too-deep", most=deepest))
    except ValueError:  # Python's bound on the digits of an integer
        return Problem(number, say("number-too-long"))
    if line.count("{") + line.count("[") <= deepest:
        return Record(number, value) if isinstance(value, dict) else Problem(number, _no_object(value))
    return checked_object(number, value, deepest)


def checked_object(number: int, value: object, deepest: int) -> Record | Problem:
    """A parsed value as a row, if it is an object of no more than `deepest` levels."""
    if not isinstance(value, dict):
        return Problem(number, _no_object(value))
    if _depth(value) > deepest:
        return Problem(number, say("nested-too-deep", most=deepest))
    return Record(number, value)


def _not_json(line: str, error: json.JSONDecodeError) -> Said:
    has_other_quotes = line.lstrip().startswith(("{'", "{“", "{”", "{‘"))
    return say(
        "json-with-other-quotes" if has_other_quotes else "no-json-line",
        fault=parser_fault(error),
        place=error.pos + 1,
    )


def parser_fault(error: json.JSONDecodeError) -> Said:
    """What the parser says is wrong, in words that say what to write, without the place."""
    kind = next((kind for words, kind in _PARSER_FAULTS.items() if error.msg.startswith(words)), "other")
    if kind == "value" and not error.doc[: error.pos].strip():
        kind = "begin"  # whatever JSON value stood here, a row would have to be an object
    return say("json-fault-piece", kind=kind, error=error.msg)


def _no_object(value: object) -> Said:
    if isinstance(value, str) and isinstance(parsed_json(value), dict):
        return say("json-twice")
    return say("no-json-object", type=json_type(value))


def _depth(value: object) -> int:
    levels = 0
    level = [value]
    while level := [inner for outer in level if isinstance(outer, dict | list) for inner in _inside(outer)]:
        levels += 1
    return levels + 1


def _inside(value: dict[str, object] | list[object]) -> list[object]:
    return list(value.values()) if isinstance(value, dict) else value


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise Refused(say("key-twice", key=listed([next(name for name in names if names.count(name) > 1)])))
    return found


def _no_constant(name: str) -> object:
    raise Refused(say("number-not-in-json", number=name))


decoder = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)
