"""A data set as its reader hands it on: records and problems in the order of the file, one at a time."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from shared.datasets.findings import Finding
from shared.messages.said import Said, say

NAMES_SHOWN, LONGEST_NAME = 10, 40
NAMES_KEPT = 50


class Unreadable(Exception):
    """The source as a whole can't be read; `said` are the sentences that say why and what to do."""

    def __init__(self, *said: Said) -> None:
        super().__init__(*said)
        self.said = said

    def __str__(self) -> str:
        return " ".join(map(str, self.said))


@dataclass(frozen=True, slots=True)
class Record:
    """One row as it came: its number from 1 and its fields under the source's own names."""

    number: int
    fields: dict[str, object]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one row; what is said never repeats the row's content."""

    number: int
    said: Said


@dataclass(frozen=True)
class Source:
    """An opened data set. `fields` are the columns, or None where every row names its own."""

    unit: Literal["line", "row"]
    fields: tuple[str, ...] | None
    items: Iterator[Record | Problem]
    header_guessed: bool = False
    """Whether `fields` may be a first row of content, which no message may repeat."""
    unread: dict[str, int] = field(default_factory=dict)
    """Columns that are not read, with the rows so far in which they hold words."""
    told: list[Finding] = field(default_factory=list)
    """What opening and reading it found; complete once `items` is at its end."""

    def columns_seen(self) -> Said:
        """The columns for a message."""
        names = self.fields or ()
        if self.header_guessed:
            return say("header-without-known-name", columns=len(names))
        if names and all(name.startswith("column_") for name in names):
            return say("columns-without-header", names=listed(names))
        return say("columns-seen", names=listed(names))


def refuse_one_name(names: Sequence[str]) -> None:
    """Raise Unreadable where two columns have the same name."""
    for number, name in enumerate(names, start=1):
        if (first := names.index(name) + 1) < number:
            raise Unreadable(say("columns-of-one-name", first=first, second=number))


def listed(names: Sequence[str]) -> Said:
    """Field names for a message: at most ten, and none that is longer than names are."""
    shown = [f"`{name}`" if _is_name(name) else "`…`" for name in names[:NAMES_SHOWN]]
    return say("listed-names-piece", count=len(names), names=shown, more=len(names) - len(shown))


def names_seen(source: Source, rows: Iterable[Mapping[str, object]]) -> list[str]:
    """Names that somebody may choose from: of a table's columns, else of the fields of `rows`.

    None of a header that looks like a row of content.
    """
    names = source.fields if source.fields is not None else tuple(name for row in rows for name in row)
    if source.header_guessed and not all(_is_name(name) and not name[:1].isdecimal() for name in names):
        return []
    return [name for name in dict.fromkeys(names) if name and _is_name(name)][:NAMES_KEPT]


def _is_name(name: str) -> bool:
    return len(name) <= LONGEST_NAME and name.isprintable()
