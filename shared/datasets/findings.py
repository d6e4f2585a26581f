"""What is told about rows that can be used: counted by its kind, with the numbers of the first rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from shared.messages.said import Said, say

NUMBERS_SHOWN = 5


@dataclass(frozen=True)
class Finding:
    """Something true of a data set; `lines` are the first rows it is true of, `count` how many they are."""

    code: str
    message: Said
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

    def finding(
        self, code: str, message: Said, unit: str, level: Literal["info", "warn"] = "warn"
    ) -> Finding:
        """The finding with its rows named behind `message`."""
        return Finding(code, self.located(message, unit), self.count, tuple(self.numbers), level)

    def located(self, message: Said, unit: str) -> Said:
        """`message`, and after it where: `See line 4.`, `The first are lines 4, 7, and 9.`"""
        return say(
            "seen-in-rows",
            finding=message,
            unit=unit,
            numbers=[str(number) for number in self.numbers],
            shown=len(self.numbers),
            more=self.count - len(self.numbers),
        )
