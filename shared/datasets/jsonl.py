"""Reads JSON lines: one object a line, by the letter of RFC 8259 and without its loose ends."""

import json
from collections.abc import Iterator
from typing import BinaryIO

from shared.datasets.limits import DatasetLimits
from shared.datasets.lines import numbered_lines
from shared.datasets.source import Problem, Record, Source
from shared.messages.said import Said, say

_NO_OBJECT = say("no-json-object")


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
        return Record(number, value) if isinstance(value, dict) else Problem(number, _NO_OBJECT)
    return checked_object(number, value, deepest)


def checked_object(number: int, value: object, deepest: int) -> Record | Problem:
    """A parsed value as a row, if it is an object of no more than `deepest` levels."""
    if not isinstance(value, dict):
        return Problem(number, _NO_OBJECT)
    if _depth(value) > deepest:
        return Problem(number, say("nested-too-deep", most=deepest))
    return Record(number, value)


def _not_json(line: str, error: json.JSONDecodeError) -> Said:
    has_other_quotes = line.lstrip().startswith(("{'", "{“", "{”", "{‘"))
    return say(
        "json-with-other-quotes" if has_other_quotes else "no-json-line",
        error=parser_words(error),
        place=error.pos + 1,
    )


def parser_words(error: json.JSONDecodeError) -> str:
    """What the parser says is wrong, without the place."""
    return error.msg.removesuffix(" at")


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
        raise Refused(say("key-twice"))
    return found


def _no_constant(name: str) -> object:
    raise Refused(say("number-not-in-json", number=name))


decoder = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)
