"""One of the few numbers at the head of a page."""

from dataclasses import dataclass

NONE = "–"


@dataclass(frozen=True)
class Figure:
    """`value` is `NONE` where there is none, and `note` says why."""

    label: str
    value: str
    note: str
