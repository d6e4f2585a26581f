"""Tells which kind of JSON a text is, from its beginning."""

import json
import re
from dataclasses import dataclass

from shared.datasets.json_values import list_inside
from shared.datasets.source import Unreadable
from shared.messages.said import say

_LINES_OF_PYTHON = re.compile(r"\{\s*'[^'\"]{1,80}'\s*:")
_BY_ROWS = (
    "pandas.read_json({options}, dtype=False, convert_dates=False)"
    '.to_json("NEW.jsonl", orient="records", lines=True, force_ascii=False)'
)
_decode = json.JSONDecoder().raw_decode


@dataclass(frozen=True)
class JsonKind:
    """One object a line, or objects in a list, which may be `inside` an object, or over several lines."""

    is_lines: bool
    inside: str | None = None


LINES = JsonKind(is_lines=True)


def json_kind(head: str, cut_off: bool, is_json_name: bool) -> JsonKind | None:
    """None for text that is no JSON, unless its name says that it is. Raises Unreadable for what is none.

    `cut_off`: the text goes on behind `head`.
    """
    begin = head.lstrip("\ufeff \t\r\n")
    first_line = begin.split("\n", 1)[0]
    if begin.startswith("["):
        if _is_broken_line(first_line, begin):
            return LINES
        return JsonKind(is_lines=False) if is_json_name or re.match(r"\[\s*[\[{\]\"]", begin) else None
    if _LINES_OF_PYTHON.match(begin):
        raise Unreadable(say("rows-are-python"))
    if not begin.startswith("{"):
        return LINES if is_json_name and not _looks_like_table(first_line) else None
    if (inside := list_inside(begin)) and not _more_follows(begin, cut_off):
        return JsonKind(is_lines=False, inside=inside)
    try:
        value, end = _decode(first_line)
    except (ValueError, RecursionError):
        return _of_broken_line(begin, first_line, cut_off)
    if isinstance(value, dict):
        _refuse_columns(value, alone=not cut_off and not begin[end:].strip())
    return JsonKind(is_lines=False) if first_line[end:].strip() == "," else LINES


def _is_broken_line(first_line: str, begin: str) -> bool:
    """Whether a list without objects stands alone in its line and lines with objects follow."""
    try:
        value = json.loads(first_line)
    except (ValueError, RecursionError):
        return False
    rest = begin[len(first_line) :].lstrip()
    return rest.startswith("{") and not any(isinstance(item, dict) for item in value)


def _of_broken_line(begin: str, first_line: str, cut_off: bool) -> JsonKind | None:
    """A first line that is no JSON by itself: longer than the head, an object's beginning, or broken."""
    if len(first_line) == len(begin):
        return LINES  # cut off, or the only line: its fault is told by its place
    try:
        value, end = _decode(begin)
    except (ValueError, RecursionError):
        opens = re.fullmatch(r'\{\s*|\{\s*"[^"]*"\s*:\s*[\[{]?\s*', first_line.rstrip())
        return JsonKind(is_lines=False) if opens else LINES
    _refuse_columns(value, alone=not cut_off and not begin[end:].strip())
    return JsonKind(is_lines=False)


def _more_follows(begin: str, cut_off: bool) -> bool:
    """Whether an object is followed by another, as in JSON lines that happen to be called like a wrapper."""
    try:
        _, end = _decode(begin)
    except (ValueError, RecursionError):
        return False
    return cut_off or bool(begin[end:].strip())


def _refuse_columns(value: dict[str, object], *, alone: bool) -> None:
    """Raise Unreadable for a table written column by column, as pandas does unless told otherwise.

    Columns that are lists are a row with lists where other rows follow, so they count only `alone`.
    """
    kinds = dict | list if alone else dict
    columns = [inner for inner in value.values() if isinstance(inner, kinds) and inner]
    whole = len(columns) > 1 and len(columns) == len(value)
    is_split = _is_split(value)
    if is_split or (whole and all(_is_column(column, len(columns[0])) for column in columns)):
        command = _BY_ROWS.format(options='"FILE", orient="split"' if is_split else '"FILE"')
        raise Unreadable(say("table-by-columns", is_split=is_split, command=command))


def _is_column(values: dict[str, object] | list[object], rows: int) -> bool:
    """Values by the numbers of their rows, or one after the other."""
    if isinstance(values, dict):
        return all(name.isdigit() for name in values)
    return len(values) == rows and not any(isinstance(value, dict | list) for value in values)


def _is_split(value: dict[str, object]) -> bool:
    """Whether names of columns stand beside the rows, as pandas writes with orient="split"."""
    return {"columns", "data"} <= set(value) <= {"columns", "data", "index"}


def _looks_like_table(first_line: str) -> bool:
    cells = {cell.strip().strip('"') for cell in re.split(r"[,;\t|]", first_line)}
    return len(cells) > 1 and bool(cells & {"text", "label", "prompt", "completion", "messages"})
