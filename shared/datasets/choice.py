"""Which format a data set is in, and by which shape its rows come to that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from shared.datasets.formats import FORMAT_FIELDS, format_of, wanted_fields
from shared.datasets.shapes import Halves, Pair, Shape, conversation_shape, halves_shape, pair_shape
from shared.datasets.source import Source, Unreadable, listed
from shared.datasets.suggestion import rows_inside, suggestion
from shared.field_values import marked
from shared.messages.said import Said, say

if TYPE_CHECKING:
    from shared.schemas.fields import RowFormat

Fields = Mapping[str, object]


@dataclass(frozen=True)
class Choice:
    """The format of the rows that are written, and the shape that brings them there, if they need one."""

    format: RowFormat
    shape: Shape | None = None

    def used(self, columns: Mapping[str, str]) -> frozenset[str]:
        """The source's names of the fields that are learned from."""
        if self.shape:
            return self.shape.used
        return frozenset(columns.get(field, field) for field in FORMAT_FIELDS[self.format])


def choose(
    source: Source, rows: Sequence[Fields], format: Literal["auto"] | RowFormat, columns: Mapping[str, str]
) -> Choice | None:
    """What most of the first rows look like, so that one bad row does not rename the data set.

    None where there is no row and nothing else to tell by. Raises Unreadable when it is in no format, or
    lacks what the format asked for needs.
    """
    if source.fields is not None:
        names = [source.fields]
    elif not (names := [tuple(row) for row in rows]):
        return None if format == "auto" else Choice(format)
    if format != "auto":
        return _asked(source, names, rows, format, columns)
    found = Counter(kind for seen in names if (kind := _kind(seen, columns)) is not None)
    if not found:
        raise _in_no_format(source, names, rows, columns)
    return _choice(max(found, key=lambda kind: found[kind]), names, rows, columns)


def _kind(seen: Collection[str], columns: Mapping[str, str]) -> str | None:
    """Our own formats first; a question with its answer says more than a `text` beside it."""
    own = format_of(seen, columns)
    if columns or own in ("prompt_completion", "classification"):
        return own
    if conversation_shape(seen):
        return "conversation"
    return own if own == "chat" else "pair" if pair_shape(seen) else own


def _choice(
    kind: str, names: Sequence[Collection[str]], rows: Sequence[Fields], columns: Mapping[str, str]
) -> Choice:
    seen = {name for each in names if _kind(each, columns) == kind for name in each}
    shape: Shape | None = None
    if kind == "conversation":
        shape = conversation_shape(seen)
    elif kind == "pair":
        shape = pair_shape(seen)
    elif kind == "prompt_completion":
        shape = halves_shape(rows, columns)
    if shape:
        return Choice(shape.format, shape)
    return Choice(next(name for name in FORMAT_FIELDS if name == kind))


def _asked(
    source: Source,
    names: Sequence[Collection[str]],
    rows: Sequence[Fields],
    format: RowFormat,
    columns: Mapping[str, str],
) -> Choice:
    seen = {name for each in names for name in each}
    halves = format == "chat" and bool(columns.keys() & {"prompt", "completion"})
    fields = FORMAT_FIELDS["prompt_completion" if halves else format]
    there = all(columns.get(field, field) in seen for field in fields)
    shape: Shape | None = None
    if halves and there:
        shape = _question_and_answer(rows, *(columns.get(field, field) for field in fields))
    elif format == "chat" and not columns:
        shape = conversation_shape(seen) or (None if there else _chat_of_pairs(seen, rows))
    elif format == "prompt_completion" and not columns and not there:
        shape = pair_shape(seen, format)
    mapped_is_absent = bool(rows) and any(name not in seen for name in columns.values())
    if shape is None and not there and (source.fields is not None or halves or mapped_is_absent):
        missing = [name for field in fields if (name := columns.get(field, field)) not in seen]
        raise _lacking(source, seen, missing, wanted_fields(seen, columns, [fields]))
    return Choice(format, shape)


def _chat_of_pairs(seen: Collection[str], rows: Sequence[Fields]) -> Shape | None:
    if {"prompt", "completion"} <= set(seen):
        return _question_and_answer(rows, "prompt", "completion")
    return pair_shape(seen)


def _question_and_answer(rows: Sequence[Fields], prompt: str, completion: str) -> Shape:
    """A chat of two texts, or of two lists of messages."""
    has_lists = any(isinstance(row.get(name), list) for row in rows for name in (prompt, completion))
    return Halves(prompt, completion) if has_lists else Pair("chat", prompt, completion)


def _in_no_format(
    source: Source, names: Sequence[Collection[str]], rows: Sequence[Fields], columns: Mapping[str, str]
) -> Unreadable:
    seen = {name for each in names for name in each}
    known = None if source.header_guessed else suggestion(sorted(seen), rows, columns)
    absent = [name for name in columns.values() if name not in seen]
    if source.fields is None and len(rows) == 1 and not columns:
        known = rows_inside(rows[0]) or known
    if source.fields is not None and len(source.fields) == 1 and not columns:
        known = _one_column(source.fields[0], source.header_guessed)
    return _lacking(source, seen, absent, known or wanted_fields(seen, columns))


def _one_column(name: str, is_guessed: bool) -> Said:
    """What to do with one column, whose name may be a first text, which no message may repeat."""
    if is_guessed or not name.isprintable():
        return say("one-column-without-name", setting=marked({"text": "column_1"}))
    return say("one-column", setting=marked({"text": name}))


def _lacking(source: Source, seen: Collection[str], absent: Sequence[str], remedy: Said) -> Unreadable:
    """Said once, not for every row: the names that are wanted and not there, those that are, what to do."""
    has_columns = source.fields is not None
    lacks = say(
        "columns-missing" if has_columns else "fields-missing", names=listed(absent), count=len(absent)
    )
    told = source.columns_seen() if has_columns else say("fields-seen", names=listed(sorted(seen)))
    return Unreadable(*([lacks] if absent else []), told, remedy)
