"""The sandboxed reader: reads one data set and writes its rows as the worker wants them."""

from __future__ import annotations

import errno
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TextIO

from shared.datasets.formats import FORMAT_FIELDS, choose_format, format_of, wanted_text
from shared.datasets.kinds import open_source
from shared.datasets.limits import DatasetLimits
from shared.datasets.rows import BadRow, Row, normalise_row
from shared.datasets.source import Problem, Record, Source, Unreadable, names_text

if TYPE_CHECKING:
    from shared.schemas import RowFormat

_encode = json.JSONEncoder(ensure_ascii=False).encode  # `json.dumps` would make one for every row
ROWS_THAT_DECIDE, ITEMS_LOOKED_AT = 20, 1000


@dataclass
class Reading:
    """What came out: `unreadable` or `disk_full` is set, or there are problems, or all rows are written."""

    format: RowFormat | None = None
    rows: int = 0
    labels: set[str] = field(default_factory=set)
    problems: list[tuple[str, str]] = field(default_factory=list)
    problem_count: int = 0
    unreadable: str | None = None
    disk_full: bool = False


def main(arguments: Sequence[str]) -> object:
    """Arguments: one JSON object with source, file_name, destination, format, columns and limits."""
    order = json.loads(arguments[0])
    limits = DatasetLimits(**order["limits"])
    reading = Reading()
    try:
        with (
            open_source(Path(order["source"]), order["file_name"], order["columns"], limits) as source,
            Path(order["destination"]).open("w", encoding="utf-8", newline="\n") as destination,
        ):
            normalise(source, order["format"], order["columns"], limits, destination, reading)
    except Unreadable as error:
        reading.unreadable = str(error)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        reading.disk_full = True
    return {**asdict(reading), "labels": sorted(reading.labels)}


def normalise(
    source: Source,
    format: Literal["auto"] | RowFormat,
    columns: Mapping[str, str],
    limits: DatasetLimits,
    destination: TextIO,
    reading: Reading,
) -> None:
    """Write every good row to `destination`, one JSON object a line, and keep count in `reading`.

    After the first problem rows are only checked. Raises Unreadable when the data set is in no format.
    """
    head = _head(source.items)
    if format == "auto":
        reading.format = _detect(source, head, columns)
    else:
        reading.format = format
        _check_columns(source, format, columns)
    for item in itertools.chain(head, source.items):
        if isinstance(item, Problem):
            _note(reading, source, item, limits)
        elif reading.format is not None:
            try:
                row = _checked_row(item, reading.format, columns, limits, mixed_is_bad=format == "auto")
            except BadRow as error:
                _note(reading, source, Problem(item.number, str(error)), limits)
                continue
            _count(row, reading, limits)
            if not reading.problem_count:
                destination.write(_encode(row) + "\n")
    if reading.rows == 0 and not reading.problem_count:
        raise Unreadable("it has no rows")


def _head(items: Iterator[Record | Problem]) -> list[Record | Problem]:
    """The items up to the last of the rows that decide on the format."""
    head: list[Record | Problem] = []
    records = 0
    for item in items:
        head.append(item)
        records += isinstance(item, Record)
        if records == ROWS_THAT_DECIDE or len(head) == ITEMS_LOOKED_AT:
            break
    return head


def _detect(source: Source, head: Sequence[Record | Problem], columns: Mapping[str, str]) -> RowFormat | None:
    if source.fields is not None:
        if (found := format_of(source.fields, columns)) is None:
            raise Unreadable(f"{source.fields_text()}; {wanted_text(columns)}")
        return found
    seen = [tuple(item.fields) for item in head if isinstance(item, Record)]
    return choose_format(seen, columns) if seen else None


def _check_columns(source: Source, format: RowFormat, columns: Mapping[str, str]) -> None:
    """Say once, not for every row, that a table lacks a column."""
    if source.fields is None:
        return
    if missing := [
        name for field in FORMAT_FIELDS[format] if (name := columns.get(field, field)) not in source.fields
    ]:
        raise Unreadable(
            f"it has no column {names_text(missing)}; {source.fields_text()}; {wanted_text(columns, format)}"
        )


def _checked_row(
    record: Record,
    format: RowFormat,
    columns: Mapping[str, str],
    limits: DatasetLimits,
    *,
    mixed_is_bad: bool,
) -> Row:
    row = normalise_row(record.fields, format, columns, limits)
    has_more = len(record.fields) > len(row)  # without more fields it can't be in another format too
    if mixed_is_bad and has_more and (other := format_of(record.fields, columns)) != format:
        raise BadRow(
            f"has the fields of `{other}` too, but most rows are `{format}`; say which with `format`"
        )
    return row


def _count(row: Row, reading: Reading, limits: DatasetLimits) -> None:
    reading.rows += 1
    if reading.rows > limits.rows:
        raise Unreadable(f"it has more than {limits.rows:,} rows")
    if isinstance(label := row.get("label"), str):
        reading.labels.add(label)
        if len(reading.labels) > limits.labels:
            raise Unreadable(
                f"it has more than {limits.labels:,} different labels; is `label` the right column?"
            )


def _note(reading: Reading, source: Source, problem: Problem, limits: DatasetLimits) -> None:
    reading.problem_count += 1
    if len(reading.problems) < limits.problems_shown:
        reading.problems.append((f"{source.unit} {problem.number}", problem.message))
