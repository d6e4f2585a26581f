"""What is told about rows that can be used: counted by its kind, with the numbers of the first rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

NUMBERS_SHOWN = 5


@dataclass(frozen=True)
class Finding:
    """One sentence about a data set; `lines` are the first rows it is true of, `count` how many they are."""

    code: str
    message: str
    count: int
    lines: tuple[int, ...] = ()
    level: Literal["info", "warn"] = "warn"


@dataclass(slots=True)
class Tally:
    """How many rows, and which are the first."""

    count: int = 0
    numbers: list[int] = field(default_factory=list)

    def add(self, number: int) -> None:
        self.count += 1
        if len(self.numbers) < NUMBERS_SHOWN:
            self.numbers.append(number)

    def finding(self, code: str, message: str, unit: str, level: Literal["info", "warn"] = "warn") -> Finding:
        """The finding with its rows named behind `message`."""
        return Finding(code, f"{message} ({self.where(unit)})", self.count, tuple(self.numbers), level)

    def where(self, unit: str) -> str:
        """`line 4`, `lines 4, 7`, `first in lines 4, 7, 9, 12, 13`."""
        listed = ", ".join(str(number) for number in self.numbers)
        if self.count > len(self.numbers):
            return f"first in {unit}s {listed}"
        return f"{unit}{'s' if len(self.numbers) > 1 else ''} {listed}"


def rows_text(count: int) -> str:
    """`1 row`, `1,024 rows`."""
    return "1 row" if count == 1 else f"{count:,} rows"
