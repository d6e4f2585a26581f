"""Finds rows that come again, and texts that come again with another label, in bounded memory."""

from __future__ import annotations

import unicodedata
from typing import Literal

LABELS_AT_MOST = 1 << 20
Verdict = Literal["new", "repeat", "contradiction"]


class Repeats:
    """Knows rows by a 64-bit hash, some 170 bytes a row, and so only the first `most` different ones."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._seen: dict[int, int] = {}
        self._labels: dict[str, int] = {}
        self.is_full = False

    def look(self, text: str, number: int) -> tuple[Verdict, int]:
        """What a row is, and the number of the first row it repeats (its own if it is new)."""
        return self._look(hash(text), "", number)

    def look_labelled(self, text: str, label: str, number: int) -> tuple[Verdict, int]:
        """As `look` for a text with a label; the same text with the first row's label is a repeat."""
        return self._look(hash(same_text(text)), label, number)

    def _look(self, key: int, label: str, number: int) -> tuple[Verdict, int]:
        place = self._labels.setdefault(label, len(self._labels))
        first = self._seen.get(key)
        if first is None:
            if len(self._seen) < self._most:
                self._seen[key] = number * LABELS_AT_MOST + place
            else:
                self.is_full = True
            return "new", number
        line, first_place = divmod(first, LABELS_AT_MOST)
        return ("repeat" if place == first_place else "contradiction"), line


def same_text(text: str) -> str:
    """What two spellings of one text have in common: composed letters, no white space around."""
    return unicodedata.normalize("NFC", text.strip())
