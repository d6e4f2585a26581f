"""Tells how the cells of a table are kept apart, and whether quotes are part of its notation."""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from shared.datasets.shapes import KNOWN_FIELDS, conversation_shape, pair_shape
from shared.datasets.source import Unreadable
from shared.messages.said import Said, say

Delimiter = Literal[",", "\t", ";", "|"]
_DELIMITERS: tuple[Delimiter, ...] = (",", "\t", ";", "|")
SIGNS = {",": "comma", "\t": "tab", ";": "semicolon", "|": "bar"}
"""By which messages choose their words for a delimiter."""
_PROSE = (".txt", ".md", ".text")
_SAMPLE_LINES = 50
_MARKDOWN_RULE = re.compile(r"\|?\s*:?-{3,}:?\s*(?:\|\s*:?-{3,}:?\s*)*\|?")


@dataclass(frozen=True)
class TableKind:
    """`quoted`: cells may stand in double quotes, as in CSV; `skipped_lines` come before the table."""

    delimiter: Delimiter
    quoted: bool
    skipped_lines: int = 0
    told: Said | None = None


CSV, TSV = TableKind(",", quoted=True), TableKind("\t", quoted=False)


def table_kind(head: str, cut_off: bool, extension: str, columns: Mapping[str, str]) -> TableKind | None:
    """How to read the table that begins with `head`; None if it looks like none.

    Raises Unreadable for a table in Markdown, whose rule would be a row.
    """
    lines = [line for line in head.split("\n") if line.strip()]
    if cut_off and len(lines) > 1:
        lines.pop()
    if not lines:
        return (
            TSV
            if extension == ".tsv"
            else CSV
            if extension in (".csv", ".jsonl", ".json", ".ndjson")
            else None
        )
    if len(lines) > 1 and _MARKDOWN_RULE.fullmatch(lines[1].strip()):
        raise Unreadable(say("table-in-markdown"))
    if found := re.fullmatch(r'"?sep=(.)"?\s*', lines[0]):
        delimiter = next((each for each in _DELIMITERS if each == found[1]), None)
        return delimiter and TableKind(delimiter, True, 1, _told(delimiter))
    delimiter = _by_names(lines[0], columns) or _by_look(lines, extension)
    if delimiter == "\t":
        if _is_quoted(lines):
            return TableKind("\t", True, told=say("cells-quoted"))
        return TSV
    if delimiter in (";", "|"):
        return TableKind(delimiter, True, told=_told(delimiter))
    if delimiter == "," and extension in _PROSE and len({line.count(",") for line in lines}) > 1:
        return CSV if any('"' in line for line in lines) or _by_names(lines[0], columns) else None
    return CSV if delimiter == "," else None


def _told(delimiter: Delimiter) -> Said:
    return say("cells-separated", sign=SIGNS[delimiter])


def _by_names(first_line: str, columns: Mapping[str, str]) -> Delimiter | None:
    """The delimiter that makes names we know of the first line."""
    known = KNOWN_FIELDS | set(columns.values())
    best: tuple[int, Delimiter | None] = (-1, None)
    for delimiter in _DELIMITERS:
        names = {cell.strip().strip('"') for cell in first_line.split(delimiter)}
        if len(names) > 1 and (len(names & known) or conversation_shape(names) or pair_shape(names)):
            best = max(best, (len(names & known), delimiter), key=lambda pair: pair[0])
    return best[1]


def _by_look(lines: Sequence[str], extension: str) -> Delimiter | None:
    """As the first line looks; other signs than comma and tab must come as often in each line."""
    first = lines[0]
    if "\t" in first and (extension != ".csv" or "," not in first):
        return "\t"
    for delimiter in _DELIMITERS[2:]:
        counts = {line.count(delimiter) for line in lines[:_SAMPLE_LINES]}
        if len(counts) == 1 and counts != {0} and "," not in first:
            return delimiter
    if "," in first or extension == ".csv":
        return ","
    return "\t" if extension == ".tsv" else None


def _is_quoted(lines: Sequence[str]) -> bool:
    """Whether quotes around cells of a table with tabs belong to its notation and not to its text.

    They do where reading them so gives every line the same cells, and they hold a quote written twice, a tab
    or a line end: text that somebody quoted holds none of that.
    """
    if not any('"' in line for line in lines):
        return False
    try:
        rows = list(csv.reader((f"{line}\n" for line in lines), delimiter="\t", strict=True))
    except csv.Error:
        return False
    if len({len(row) for row in rows}) != 1:
        return False
    plain = [line.split("\t") for line in lines]
    written_twice = any(cell.startswith('"') and '""' in cell[1:-1] for row in plain for cell in row)
    return written_twice or len({len(row) for row in plain}) > 1
