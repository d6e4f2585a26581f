"""Which questions were seen, and how they were answered: for repeats, contradictions and validation rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from shared.datasets.examination.question_and_answer import halves
from shared.datasets.repeats import same_text

if TYPE_CHECKING:
    from shared.schemas.fields import RowFormat

_ANSWER_BITS = 32
_MASK = (1 << _ANSWER_BITS) - 1
Likeness = Literal["new", "same", "other_answer"]


@dataclass(frozen=True, slots=True)
class Met:
    """What a row is to those known, and the number of the row that it is like."""

    likeness: Likeness
    number: int = 0


class KnownRows:
    """Knows rows by hashes, some 140 bytes each, and so only the first `most` different questions."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: dict[int, int] = {}
        self.is_full = False

    def meet(self, line: str, text: str, format: RowFormat) -> Met:
        """How a normalised row, `line`, is like the known ones; `text` is that of a labelled row."""
        return self._met(*_hashes(line, text, format))

    def add(self, number: int, line: str, text: str, format: RowFormat) -> Met:
        """The same, and know the row from now on."""
        key, answer = _hashes(line, text, format)
        met = self._met(key, answer)
        if met.likeness == "new":
            if len(self._known) < self._most:
                self._known[key] = number << _ANSWER_BITS | answer
            else:
                self.is_full = True
        return met

    def _met(self, key: int, answer: int) -> Met:
        if (known := self._known.get(key)) is None:
            return Met("new")
        likeness: Likeness = "same" if answer == known & _MASK else "other_answer"
        return Met(likeness, known >> _ANSWER_BITS)


def _hashes(line: str, text: str, format: RowFormat) -> tuple[int, int]:
    question, answer = halves(line, format)
    return hash(same_text(text) if format == "classification" else question), hash(answer) & _MASK
