"""The sandboxed reader: reads one data set and writes its rows as the worker wants them."""

from __future__ import annotations

import errno
import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TextIO

from shared.datasets.choice import Choice, choose
from shared.datasets.excerpts import value_seen
from shared.datasets.findings import Finding, Tally
from shared.datasets.formats import format_of
from shared.datasets.kinds import open_source
from shared.datasets.limits import DatasetLimits
from shared.datasets.observations import Observations
from shared.datasets.rows import normalise_row
from shared.datasets.source import Problem, Record, Source, Unreadable, names_seen
from shared.datasets.texts import BadRow, Row
from shared.disk_errors import is_full
from shared.messages.said import Said, say

if TYPE_CHECKING:
    from shared.schemas.fields import RowFormat

_encode = json.JSONEncoder(ensure_ascii=False).encode  # `json.dumps` would make one for every row
ROWS_THAT_DECIDE, ITEMS_LOOKED_AT = 20, 1000
FAULTS_OF_A_ROW = 20
_NUMBERED = re.compile(r"\\ud[89a-f][0-9a-f]{2}|0x[0-9A-F]{2}")


@dataclass
class Cause:
    """What is wrong with the row `number`, and in the same way with `others`.

    `seen` is the value at fault in that row, where the row could be read; no message has it.
    """

    unit: str
    number: int
    said: Said
    likeness: str
    others: Tally = field(default_factory=Tally)
    seen: str | None = None


@dataclass
class Reading:
    """What came out: `unreadable` or `disk_full` is set, or there are problems, or all rows are written."""

    format: RowFormat | None = None
    rows: int = 0
    labels: list[str] = field(default_factory=list)
    causes: list[Cause] = field(default_factory=list)
    problem_count: int = 0
    unreadable: tuple[Said, ...] = ()
    disk_full: bool = False
    fields: list[str] = field(default_factory=list)
    """Names of columns or of the first rows' fields, those that are names and no content."""
    findings: list[Finding] = field(default_factory=list)


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
            normalise(
                source,
                order["format"],
                order["columns"],
                limits,
                destination,
                reading,
                measured=order["measured"],
            )
    except Unreadable as error:
        reading.unreadable = error.said
    except OSError as error:
        if error.errno == errno.EFBIG or not is_full(error):  # the sandbox bounds the rows' file, too
            raise
        reading.disk_full = True
    return asdict(reading)


def normalise(
    source: Source,
    format: Literal["auto"] | RowFormat,
    columns: Mapping[str, str],
    limits: DatasetLimits,
    destination: TextIO | None,
    reading: Reading,
    *,
    measured: bool,
    follows: bool = False,
    look: Callable[[int, Row, str], None] = lambda number, row, line: None,
) -> None:
    """Write every good row to `destination`, one JSON object a line, and keep count in `reading`.

    After the first problem rows are only checked, as all are without a destination. `look` is called with
    each good row: its number, the row, the row as a line. `follows`: `format` is that of the training rows,
    and nobody asked for it. Raises Unreadable when the data set is in no format.
    """
    head, broken = _head(source.items)
    rows = [item.fields for item in head if isinstance(item, Record)]
    reading.fields = names_seen(source, rows)
    choice = choose(source, rows, format, columns)
    if choice is None:
        _only_problems(source, head, reading, limits, broken)
        return
    reading.format = choice.format
    label_column = columns.get("label", "label") if choice.format == "classification" else None
    seen = Observations(
        choice.used(columns),
        source.unit,
        label_column,
        limits.rows_compared,
        mapped=bool(columns),
        measured=measured,
    )
    for item in itertools.chain(head, source.items):
        if isinstance(item, Problem):
            _note(reading, source, item.number, [item.said], limits)
            continue
        told: set[str] = set()
        try:
            row = _checked_row(
                item, choice, columns, limits, told, is_mix_bad=format == "auto", follows=follows
            )
        except BadRow as error:
            _note(reading, source, item.number, error.faults, limits, item.fields)
            continue
        line = _encode(row)
        seen.look(item.number, item.fields, row, line, told)
        _count(reading, seen, limits)
        look(item.number, row, line)
        if destination and not reading.problem_count:
            destination.write(line + "\n")
    if broken:
        raise broken
    seen.note_unread(source.unread)
    _conclude(reading, source, choice, seen)


def _only_problems(
    source: Source,
    head: Sequence[Record | Problem],
    reading: Reading,
    limits: DatasetLimits,
    broken: Unreadable | None,
) -> None:
    for item in itertools.chain(head, source.items):
        if isinstance(item, Problem):
            _note(reading, source, item.number, [item.said], limits)
    if broken or not reading.problem_count:
        raise broken or Unreadable(say("no-rows"))


def _conclude(reading: Reading, source: Source, choice: Choice, seen: Observations) -> None:
    if reading.rows == 0 and not reading.problem_count:
        raise Unreadable(say("no-rows"))
    reading.labels = sorted(seen.labels)
    if choice.shape:
        reading.findings.append(Finding("fields_read_as", choice.shape.said, reading.rows, level="info"))
    reading.findings.extend(source.told)
    reading.findings.extend(seen.findings())


def _head(items: Iterator[Record | Problem]) -> tuple[list[Record | Problem], Unreadable | None]:
    """The items up to the last of the rows that decide on the format, and why reading ended before it."""
    head: list[Record | Problem] = []
    records = 0
    try:
        for item in items:
            head.append(item)
            records += isinstance(item, Record)
            if records == ROWS_THAT_DECIDE or len(head) == ITEMS_LOOKED_AT:
                break
    except Unreadable as error:
        return head, error
    return head, None


def _checked_row(
    record: Record,
    choice: Choice,
    columns: Mapping[str, str],
    limits: DatasetLimits,
    told: set[str],
    *,
    is_mix_bad: bool,
    follows: bool,
) -> Row:
    if choice.shape:
        return choice.shape.row(record.fields, told)
    row = normalise_row(
        record.fields, choice.format, columns, limits, told, asked=not (is_mix_bad or follows)
    )
    has_more = len(record.fields) > len(row)  # without more fields it can't be in another format too
    if (
        is_mix_bad
        and has_more
        and (other := _format_of(tuple(record.fields), tuple(columns.items()))) != choice.format
    ):
        raise BadRow(say("row-of-two-formats", other=str(other), format=choice.format))
    return row


@lru_cache(maxsize=1000)
def _format_of(names: tuple[str, ...], columns: tuple[tuple[str, str], ...]) -> RowFormat | None:
    """As `format_of`, remembered: the rows of a data set have few different sets of names."""
    return format_of(names, dict(columns))


def _count(reading: Reading, seen: Observations, limits: DatasetLimits) -> None:
    reading.rows += 1
    if reading.rows > limits.rows:
        raise Unreadable(say("too-many-rows", most=limits.rows))
    if len(seen.labels) > limits.labels:
        raise Unreadable(say("too-many-labels", most=limits.labels))


def _note(
    reading: Reading,
    source: Source,
    number: int,
    faults: Sequence[Said],
    limits: DatasetLimits,
    fields: Mapping[str, object] | None = None,
) -> None:
    """One row that can't be used, for one or several `faults`; `fields` are its own, where it was read."""
    reading.problem_count += 1
    known = set()
    for said in faults[:FAULTS_OF_A_ROW]:
        # What differs in a number alone has one cause, and so have all bytes and halves of surrogate pairs.
        likeness = re.sub(r"\d+", "0", _NUMBERED.sub("0", repr(said)))
        if likeness in known:
            continue
        known.add(likeness)
        cause = next((each for each in reading.causes if each.likeness == likeness), None)
        if cause is not None:
            cause.others.add(number)
        elif len(reading.causes) < limits.problems_shown:
            seen = None if fields is None else value_seen(said, fields)
            reading.causes.append(Cause(source.unit, number, said, likeness, seen=seen))
