"""What the good rows of one data set are like: lengths, labels, scripts, repeats; and what is odd in them."""

from __future__ import annotations

import math
from array import array
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from shared.datasets.examination.answers import Answers
from shared.datasets.examination.characters import Characters
from shared.datasets.examination.known_rows import KnownRows
from shared.datasets.examination.label_balance import LabelBalance
from shared.datasets.examination.noted import Noted
from shared.datasets.examination.question_and_answer import taken_apart
from shared.datasets.findings import Tally
from shared.datasets.texts import Row
from shared.messages.said import say

if TYPE_CHECKING:
    from shared.schemas.fields import RowFormat

EXAMPLES = 10
LONGEST_EXAMPLE = 2000
LABELS_SHOWN = 50
FEW_ROWS = 10
_MUCH_LONGER, _LONG_CHARACTERS = 20, 2000


class Profile:
    """What was seen in the rows so far. `learned` are the training rows where these are validation rows."""

    def __init__(self, format: RowFormat, unit: str, most_rows: int, learned: Profile | None = None) -> None:
        self.format: RowFormat = format
        self.known = KnownRows(most_rows)
        self.labels = LabelBalance()
        self._unit = unit
        self._learned = learned
        self._characters = Characters(is_chat=format in ("chat", "classification"))
        self._answers = Answers(is_chat=format == "chat")
        self._has_answers = format in ("chat", "prompt_completion")
        self._lengths = array("I")
        self._longest = (0, 0)
        self._tallies: dict[str, Tally] = defaultdict(Tally)
        self._first_like: dict[str, tuple[int, int]] = {}
        self._examples: list[str] = []

    @property
    def rows(self) -> int:
        return len(self._lengths)

    def look(self, number: int, row: Row, line: str) -> None:
        """Take note of one row: its number, as it is kept, and that as a line."""
        parts = taken_apart(row, self.format)
        length = sum(map(len, parts.texts))
        self._lengths.append(length)
        self._longest = max(self._longest, (length, number), key=lambda pair: pair[0])
        self._characters.look(number, parts.texts, line)
        if self._has_answers:
            self._answers.look(number, parts)
        elif self.format == "classification":
            self.labels.look(number, parts.answer)
        if len(self._examples) < EXAMPLES:
            self._examples.append(line[:LONGEST_EXAMPLE] + ("…" if len(line) > LONGEST_EXAMPLE else ""))
        self._compare(number, line, parts.question)

    def summary(self) -> dict[str, Any]:
        """As `shared.datasets.examination.examine` takes it."""
        return {
            "labels": self.labels.rows.most_common(LABELS_SHOWN),
            "label_count": len(self.labels.rows),
            "characters": self._lengths_of_rows(),
            "scripts": self._characters.scripts(),
            "examples": self._examples,
            "same": self._tallies["same"].count,
            "other_answer": self._tallies["other_answer"].count,
        }

    def findings(self) -> Iterator[Noted]:
        if self._learned is None:
            yield from self._contradictions()
            yield from self.labels.findings()
        else:
            yield from self._against(self._learned)
        if self._has_answers:
            yield from self._answers.findings()
        yield from self._characters.findings()
        yield from self._sizes()

    def main_script(self) -> tuple[str, float] | None:
        """The script of most letters, and its share of them."""
        return next(iter(self._characters.scripts().items()), None)

    def _compare(self, number: int, line: str, text: str) -> None:
        if self._learned is None:
            met = self.known.add(number, line, text, self.format)
        else:
            met = self._learned.known.meet(line, text, self.format)
        if met.likeness != "new":
            self._tallies[met.likeness].add(number)
            self._first_like.setdefault(met.likeness, (number, met.number))

    def _contradictions(self) -> Iterator[Noted]:
        """Of a labelled text the reader of rows tells."""
        other = self._tallies.get("other_answer")
        if other and self._has_answers:
            second, first = self._first_like["other_answer"]
            said = say(
                "answers-contradict", rows=other.count, of=self.rows, unit=self._unit, second=second,
                first=first,
            )  # fmt: skip
            yield Noted.of_rows("answers_contradict", "warning", other, said, say("keep-one-answer"))

    def _against(self, learned: Profile) -> Iterator[Noted]:
        """What is odd of validation rows beside the training rows."""
        if unknown := self.labels.unknown_to(learned.labels):
            said = say("labels-not-trained", count=len(unknown), labels=[f"`{one}`" for one in unknown[:10]])
            lines = tuple(self.labels.first(label) for label in unknown[:5])
            rows = sum(self.labels.rows[label] for label in unknown)
            yield Noted("labels_not_trained", "error", said, (), say("train-or-remove-labels"), lines, rows)
        for likeness in ("same", "other_answer"):
            if tally := self._tallies.get(likeness):
                yield self._overlap(likeness, tally)
        if learned.known.is_full:
            yield Noted("overlap_not_counted", "note", say("overlap-not-counted"))
        if missing := learned.labels.unknown_to(self.labels):
            said = say(
                "labels-not-validated", count=len(missing), labels=[f"`{one}`" for one in missing[:10]]
            )
            yield Noted("labels_not_validated", "note", said, (), say("validate-labels"), (), len(missing))
        ours, theirs = self.main_script(), learned.main_script()
        if ours and theirs and ours[0] != theirs[0]:
            said = say(
                "validation-in-other-script", script=ours[0], share_ratio=ours[1], learned_script=theirs[0],
                learned_ratio=theirs[1],
            )  # fmt: skip
            remedy = say("validate-in-same-language")
            yield Noted("validation_in_other_script", "warning", said, (), remedy, (), self.rows)

    def _overlap(self, likeness: str, tally: Tally) -> Noted:
        number, learned = self._first_like[likeness]
        first = say("overlap-first", unit=self._unit, number=number, learned=learned)
        share = tally.count / max(1, self.rows)
        if likeness == "same":
            said = say("validation-learned", rows=tally.count, of=self.rows, share_ratio=share)
            remedy = say("remove-from-one-file")
            return Noted.of_rows("validation_overlaps", "warning", tally, said, remedy, [first])
        said = say("validation-learned-otherwise", rows=tally.count, of=self.rows, share_ratio=share)
        return Noted.of_rows(
            "validation_contradicts", "warning", tally, said, say("give-one-answer"), [first]
        )

    def _sizes(self) -> Iterator[Noted]:
        if self._learned is None and 0 < self.rows < FEW_ROWS:
            yield Noted("few_rows", "warning", say("few-rows", rows=self.rows), (), say("add-rows"))
        if self.rows < FEW_ROWS:
            return
        median, (longest, number) = _percentile(sorted(self._lengths), 0.5), self._longest
        if longest > _LONG_CHARACTERS and longest > _MUCH_LONGER * median:
            said = say("row-much-longer", characters=longest, times=round(longest / median), median=median)
            yield Noted("row_much_longer", "note", said, (), say("look-at-that-one"), (number,), 1)

    def _lengths_of_rows(self) -> Mapping[str, float] | None:
        if not self._lengths:
            return None
        ordered = sorted(self._lengths)
        return {
            "total": sum(ordered),
            "mean": sum(ordered) / len(ordered),
            "p50": _percentile(ordered, 0.5),
            "p95": _percentile(ordered, 0.95),
            "longest": ordered[-1],
            "longest_at": self._longest[1],
        }


def _percentile(ordered: list[int], share: float) -> int:
    """The nearest rank."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
