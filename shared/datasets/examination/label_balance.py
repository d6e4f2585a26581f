"""How many rows each label has, and what is odd about that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from shared.datasets.examination.noted import Noted
from shared.datasets.labels import listed_labels, printable
from shared.messages.said import say

MOST_TIMES_AS_MANY = 10
FEW_ROWS_A_LABEL = 5
LEAST_ROWS = 20


class LabelBalance:
    """What was counted so far."""

    def __init__(self) -> None:
        self.rows: Counter[str] = Counter()
        self._first: dict[str, int] = {}

    def look(self, number: int, label: str) -> None:
        self.rows[label] += 1
        self._first.setdefault(label, number)

    def findings(self) -> Iterator[Noted]:
        rows, counted = self.rows, self.rows.total()
        if counted < LEAST_ROWS or len(rows) < 2 or len(rows) * 2 > counted:
            return
        rare = [label for label in sorted(rows) if rows[label] < FEW_ROWS_A_LABEL]
        if rare:
            said = say("labels-rare", count=len(rare), labels=listed_labels(rows, rare))
            lines = tuple(self._first[label] for label in rare[:5])
            total = sum(rows[label] for label in rare)
            yield Noted("labels_rare", "warning", said, (), say("add-rows-of-this-kind"), lines, total)
        (most, most_rows), (least, least_rows) = rows.most_common()[0], rows.most_common()[-1]
        if most_rows >= MOST_TIMES_AS_MANY * least_rows:
            said = say(
                "labels-unbalanced",
                most=printable(most),
                most_rows=most_rows,
                least=printable(least),
                least_rows=least_rows,
                times=round(most_rows / least_rows),
            )
            seen = say("always-most-frequent", label=printable(most), share_ratio=most_rows / counted)
            lines = (self._first[least],)
            yield Noted(
                "labels_unbalanced", "warning", said, (seen,), say("balance-labels"), lines, least_rows
            )
        if all(label.isdigit() for label in rows):
            said = say("labels-are-numbers", labels=listed_labels(rows, sorted(rows)))
            yield Noted("labels_are_numbers", "note", said, (), say("name-labels"), (), counted)

    def unknown_to(self, trained: LabelBalance) -> list[str]:
        """Labels that `trained` does not have."""
        return sorted(set(self.rows) - set(trained.rows))

    def first(self, label: str) -> int:
        """The number of the label's first row."""
        return self._first[label]
