"""Reads CSV and TSV, with and without a header.

CSV is RFC 4180: comma (or a sign in its place), double quotes, quoted cells may span lines. TSV is the type
text/tab-separated-values: one row a line, a tab between cells, no quoting, so quotes belong to the text.

The first row is a header unless one of these holds:
1. `columns` maps a field to `column_1`, `column_2`, …, the names that columns get where there is no header,
   and no cell of the first row is itself one of the names `columns` gives;
2. the first row has none of the fields' names (or the names `columns` gives), and its first or second cell
   comes again in the same column of the next rows, as labels do and names of columns do not.
A column whose cell in the header is blank is called by its place too; to map it, map another one by its name.
A table of two columns without header whose first column then has few different values, and the second more,
is a list of label and text (the SMS Spam Collection comes so), and its columns are called that.
"""

import csv
import itertools
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from shared.datasets.limits import DatasetLimits
from shared.datasets.lines import numbered_lines
from shared.datasets.shapes import KNOWN_FIELDS, Shape, conversation_shape, pair_shape
from shared.datasets.source import Problem, Record, Source, refuse_one_name
from shared.datasets.table_kind import SIGNS, TableKind
from shared.messages.said import Said, say

SAMPLE_ROWS = 500
_WORD = re.compile(r"[^\W\d][\w.-]{0,39}")
MOST_LABELS_IN_SAMPLE = 50


@dataclass(frozen=True, slots=True)
class _Cells:
    number: int
    cells: list[str]


class _BadLine(Exception):
    """Carries a line's problem through the csv module's reader."""


def open_table(
    stream: BinaryIO, kind: TableKind, columns: Mapping[str, str], limits: DatasetLimits
) -> Source:
    """Look at the first rows to tell header from row. Raises Unreadable for a header that can't be used."""
    lines = numbered_lines(stream, limits.line_bytes)
    for _ in range(kind.skipped_lines):
        next(lines, None)
    rows = _quoted_rows(lines, kind.delimiter, limits) if kind.quoted else _plain_rows(lines)
    sample = list(itertools.islice(rows, SAMPLE_ROWS))
    cells = [item.cells for item in sample if isinstance(item, _Cells)]
    if not cells:
        return Source("line", None, iter([item for item in sample if isinstance(item, Problem)]))
    has_header = _has_header(cells, columns)
    if has_header:
        names = _header_names(cells[0])
        first = next(index for index, item in enumerate(sample) if isinstance(item, _Cells))
        del sample[first]
    elif _is_label_and_text(cells, columns):
        names = ("label", "text")
    else:
        names = tuple(f"column_{number}" for number in range(1, len(cells[0]) + 1))
    known = set(names) & (KNOWN_FIELDS | set(columns.values())) or _shape(names)
    guessed = has_header and not known and not _stand_out(cells)
    header = cells[0] if has_header and len(names) > 1 else None
    records = _records(itertools.chain(sample, rows), names, header, kind)
    return Source("line", names, records, header_guessed=guessed)


def _records(
    items: Iterator[_Cells | Problem], names: tuple[str, ...], header: Sequence[str] | None, kind: TableKind
) -> Iterator[Record | Problem]:
    for item in items:
        if isinstance(item, Problem):
            yield item
        elif len(item.cells) != len(names):
            yield Problem(item.number, _other_cells(len(item.cells), len(names), kind))
        elif item.cells == header:
            yield Problem(item.number, say("header-again"))
        else:
            yield Record(item.number, dict(zip(names, item.cells, strict=True)))


def _other_cells(seen: int, due: int, kind: TableKind) -> Said:
    if seen < due:
        return say("too-few-cells", cells=seen, columns=due)
    return say(
        "too-many-quoted-cells" if kind.quoted else "too-many-plain-cells",
        cells=seen,
        columns=due,
        sign=SIGNS[kind.delimiter],
    )


def _plain_rows(lines: Iterator[tuple[int, str] | Problem]) -> Iterator[_Cells | Problem]:
    for item in lines:
        if isinstance(item, Problem):
            yield item
        elif line := item[1].removesuffix("\n").removesuffix("\r"):
            yield _Cells(item[0], line.split("\t"))


def _quoted_rows(
    numbered: Iterator[tuple[int, str] | Problem], delimiter: str, limits: DatasetLimits
) -> Iterator[_Cells | Problem]:
    csv.field_size_limit(limits.line_bytes)
    lines = _Lines(numbered)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        first_line = lines.number + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Problem(first_line, _not_csv(str(error), lines.number - first_line))
        except _BadLine as error:
            yield error.args[0]
        else:
            if cells:
                yield _Cells(first_line, cells)


def _not_csv(error: str, more_lines: int) -> Said:
    """The csv module's words for what people meet, in words that say what to do.

    `more_lines`: how many lines after the first of the row were read as part of it.
    """
    if error.startswith("new-line character seen in unquoted field"):
        return say("carriage-return-in-line")
    if error == "unexpected end of data":
        return say("quote-never-closed", lines=more_lines)
    if "expected after" in error:
        return say("text-after-quote")
    return say("no-csv", error=error)


class _Lines:
    """Lines for the csv module; a generator would be over after the first bad line, this goes on."""

    def __init__(self, items: Iterator[tuple[int, str] | Problem]) -> None:
        self._items = items
        self.number = 0  # of the line read last

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        item = next(self._items)
        if isinstance(item, Problem):
            self.number = item.number
            raise _BadLine(item)
        self.number = item[0]
        return item[1]


def _has_header(rows: Sequence[Sequence[str]], columns: Mapping[str, str]) -> bool:
    first, later = rows[0], rows[1:]
    names = {cell.strip() for cell in first}
    if names & set(columns.values()):
        return True
    if any(_is_positional(name) for name in columns.values()):
        return False
    if names & KNOWN_FIELDS or _shape(names):
        return True
    return not any(
        len(row) > column and row[column] == first[column]
        for column in range(min(2, len(first)))
        for row in later
    )


def _stand_out(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row is single words, all different, and rows below are not: then these are names."""
    first, later = rows[0], rows[1:]
    if len(set(first)) < len(first) or not all(_WORD.fullmatch(cell.strip()) for cell in first):
        return False
    return len(first) > 1 and any(not _WORD.fullmatch(cell.strip()) for row in later for cell in row)


def _shape(names: Collection[str]) -> Shape | None:
    return conversation_shape(names) or pair_shape(names)


def _is_positional(name: str) -> bool:
    return name.startswith("column_") and name.removeprefix("column_").isdigit()


def _is_label_and_text(rows: Sequence[Sequence[str]], columns: Mapping[str, str]) -> bool:
    if columns or any(len(row) != 2 for row in rows):
        return False
    labels, texts = ({row[column].strip() for row in rows} for column in (0, 1))
    return len(labels) <= min(MOST_LABELS_IN_SAMPLE, len(rows) / 2) and len(labels) < len(texts)


def _header_names(cells: Sequence[str]) -> tuple[str, ...]:
    """Names of the columns, without white space around; a column without one is called by its place."""
    names = tuple(cell.strip() or f"column_{number}" for number, cell in enumerate(cells, start=1))
    refuse_one_name(names)
    return names
