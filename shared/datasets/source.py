"""A data set as its reader hands it on: records and problems in the order of the file, one at a time."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from shared.datasets.findings import Finding


class Unreadable(Exception):
    """The source as a whole can't be read; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Record:
    """One row as it came: its number from 1 and its fields under the source's own names."""

    number: int
    fields: dict[str, object]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one row; the message never repeats the row's content."""

    number: int
    message: str


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

    def fields_text(self) -> str:
        """The columns for a message."""
        if not self.header_guessed:
            return f"the columns seen are {names_text(self.fields or ())}"
        return (
            f"its first row, taken for a header, has {len(self.fields or ())} columns and no known name "
            "(a table without header has `column_1`, `column_2`, …, and `columns` can name those)"
        )


def names_text(names: list[str] | tuple[str, ...]) -> str:
    """Field names for a message: at most ten, and none longer than names are."""
    shown = [
        f"`{name}`" if len(name) <= 40 and name.isprintable() else "(no plain name)" for name in names[:10]
    ]
    return ", ".join(shown) + (f" and {len(names) - 10} more" if len(names) > 10 else "") or "none"
