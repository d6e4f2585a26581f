"""Reads JSON lines: one object a line, by the letter of RFC 8259 and without its loose ends."""

import json
from collections.abc import Iterator
from typing import BinaryIO

from shared.datasets.limits import DatasetLimits
from shared.datasets.lines import numbered_lines
from shared.datasets.source import Problem, Record, Source

_NO_OBJECT = "is not a JSON object"


class Refused(ValueError):
    """JSON that Python's parser takes and we don't."""


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
        return Problem(number, str(error))
    except RecursionError:
        return Problem(number, f"is nested deeper than {deepest} levels")
    except ValueError:  # Python's bound on the digits of an integer
        return Problem(number, "has a number with too many digits")
    if line.count("{") + line.count("[") <= deepest:
        return Record(number, value) if isinstance(value, dict) else Problem(number, _NO_OBJECT)
    return checked_object(number, value, deepest)


def checked_object(number: int, value: object, deepest: int) -> Record | Problem:
    """A parsed value as a row, if it is an object of no more than `deepest` levels."""
    if not isinstance(value, dict):
        return Problem(number, _NO_OBJECT)
    if _depth(value) > deepest:
        return Problem(number, f"is nested deeper than {deepest} levels")
    return Record(number, value)


def _not_json(line: str, error: json.JSONDecodeError) -> str:
    told = f"is not JSON: {error.msg.removesuffix(' at')} at character {error.pos + 1}"
    if line.lstrip().startswith(("{'", "{“", "{”", "{‘")):
        return f'{told}; names and texts stand in plain double quotes ("), which json.dumps writes'
    return f"{told}; a line is one whole JSON object: mend it, or take it out"


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
        raise Refused("has an object with the same key twice")
    return found


def _no_constant(name: str) -> object:
    raise Refused(f"has the number {name}, which JSON does not have")


decoder = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)
