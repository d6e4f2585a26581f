"""Looks at every good row as it goes by and knows at the end what its owner should be told."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping

from shared.datasets.conversations import TOLD
from shared.datasets.damaged_text import is_damaged
from shared.datasets.findings import Finding, Tally, rows_text
from shared.datasets.labels import (
    CHANGES,
    MISSING_WORDS,
    clean_label,
    labels_text,
    look_alikes,
    missing_words,
    printable,
    says_truth_twice,
)
from shared.datasets.repeats import Repeats
from shared.datasets.texts import Row, carries_words

FEW_ROWS = 10
MOST_UNUSED = 50
_IN_TEXTS = {
    "text_damaged": "letters were lost or mixed up by a wrong encoding before the file came here (such as � "
    "or Ã©); save the file again as UTF-8 from where its letters are whole",
    "text_missing": "a text or an answer is only a word such as `nan` or `None`, which programs write where "
    "a value is missing; take those rows out if they have none",
}
_INFO = frozenset({"roles_renamed", "content_joined", "messages_in_string", "weight_zero"})


class Observations:
    """What was seen in the rows so far. `used` are the source's names of the fields that are read.

    `mapped`: its owner named these fields. `measured`: the rows are counted in a measurement, not learned.
    """

    def __init__(
        self,
        used: frozenset[str],
        unit: str,
        label_column: str | None,
        most_rows: int,
        *,
        mapped: bool = False,
        measured: bool = False,
    ) -> None:
        self._used = used
        self._mapped = mapped
        self._taken = "counted" if measured else "learned"
        self._unit = unit
        self._label_column = label_column
        self._repeats = Repeats(most_rows)
        self._tallies: dict[str, Tally] = defaultdict(Tally)
        self._changes: Counter[str] = Counter()
        self._unused: dict[str, Tally] = {}
        self._first_clash: tuple[int, int] | None = None
        self.labels: Counter[str] = Counter()

    def look(
        self, number: int, fields: Mapping[str, object], row: Row, line: str, told: Iterable[str]
    ) -> None:
        """Take note of one row: as it came, as it is kept, that as a line, and what its checks told."""
        for code in told:
            self._tallies[code].add(number)
        if is_damaged(line):
            self._tallies["text_damaged"].add(number)
        if any(text in MISSING_WORDS for text in _texts_to_learn(row)):
            self._tallies["text_missing"].add(number)
        if len(fields) > len(row):
            self._note_unused(number, fields, kept=row)
        if self._label_column is None:
            verdict, _ = self._repeats.look(line, number)
        else:
            text, label = str(row["text"]), str(row["label"])
            self._note_label(number, fields[self._label_column], label)
            verdict, first = self._repeats.look_labelled(text, label, number)
            if verdict == "contradiction" and self._first_clash is None:
                self._first_clash = (first, number)
        if verdict != "new":
            self._tallies[verdict].add(number)

    def note_unread(self, counts: Mapping[str, int]) -> None:
        """Columns that were not read at all, with the rows in which they hold words."""
        for name, count in counts.items():
            if count:
                self._unused[name] = Tally(count)

    def findings(self) -> Iterator[Finding]:
        """What should be told, the gravest first."""
        yield from self._contradictions()
        yield from self._label_findings()
        yield from self._unused_findings()
        if repeat := self._tallies.get("repeat"):
            yield repeat.finding(
                "repeated_rows",
                f"{_rows(repeat.count, 'repeats', 'repeat')} an earlier row word for word and "
                f"{'is' if repeat.count == 1 else 'are'} {self._taken} again; take out what is not meant "
                "twice",
                self._unit,
            )
        if self._repeats.is_full:
            yield Finding("repeats_not_counted", "repeated rows were looked for among the first rows only", 0)
        for code, sentence in (_IN_TEXTS | TOLD).items():
            if code in self._tallies:
                tally = self._tallies[code]
                yield tally.finding(
                    code,
                    f"in {rows_text(tally.count)} {sentence}",
                    self._unit,
                    "info" if code in _INFO else "warn",
                )

    def _note_unused(self, number: int, fields: Mapping[str, object], kept: Row) -> None:
        for name, value in fields.items():
            if name == "tools" and name in kept:
                continue
            if name not in self._used and carries_words(value):
                if name not in self._unused and len(self._unused) == MOST_UNUSED:
                    return
                self._unused.setdefault(name, Tally()).add(number)

    def _note_label(self, number: int, raw: object, label: str) -> None:
        self.labels[label] += 1
        if isinstance(raw, str) and raw != label:
            self._changes.update(clean_label(raw)[1])
            self._tallies["label_changed"].add(number)

    def _contradictions(self) -> Iterator[Finding]:
        if clash := self._tallies.get("contradiction"):
            first, second = self._first_clash or (0, 0)
            yield Finding(
                "contradicting_labels",
                f"{_rows(clash.count, 'has', 'have')} the text of an earlier row and another label, and both "
                f"are {self._taken}; keep one label for a text ({self._unit} {second} contradicts "
                f"{self._unit} {first}; {clash.where(self._unit)})",
                clash.count,
                tuple(clash.numbers),
            )

    def _label_findings(self) -> Iterator[Finding]:
        counts = self.labels
        if changed := self._tallies.get("label_changed"):
            done = "; ".join(
                f"{CHANGES[code]} in {self._changes[code]:,}" for code in CHANGES if self._changes[code]
            )
            yield changed.finding(
                "labels_normalised",
                f"the label of {rows_text(changed.count)} was brought to one spelling: {done}",
                self._unit,
                "info",
            )
        for group in look_alikes(counts):
            yield Finding(
                "labels_look_alike",
                f"the labels {labels_text(counts, group)} look alike and are {self._taken} as {len(group)} "
                "different classes; write them the same if they mean the same",
                sum(counts[label] for label in group),
            )
        if missing := missing_words(counts):
            yield Finding(
                "labels_missing",
                f"the label {labels_text(counts, missing)} is what programs write where a value is missing, "
                f"and it is {self._taken} as a class; take those rows out if they have no label",
                sum(counts[label] for label in missing),
            )
        if says_truth_twice(counts):
            yield Finding(
                "labels_mixed",
                f"some labels are true or false and others 1 or 0; they are {self._taken} as different "
                f"classes: {labels_text(counts, sorted(counts))}",
                counts.total(),
            )
        yield from self._odd_counts()

    def _odd_counts(self) -> Iterator[Finding]:
        rows, labels = self.labels.total(), len(self.labels)
        if rows < FEW_ROWS:
            return
        if labels * 2 > rows:
            yield Finding(
                "labels_many",
                f"there are {labels:,} different labels in {rows_text(rows)}; a label is a class that many "
                f"rows share, so `{printable(self._label_column or 'label')}` may be the wrong column: "
                "`columns` names another",
                labels,
            )
        elif labels == 1:
            yield Finding(
                "labels_one",
                f"all rows have the label {labels_text(self.labels, list(self.labels))}: "
                "there is nothing to tell apart",
                rows,
            )

    def _unused_findings(self) -> Iterator[Finding]:
        if not self._unused:
            return
        listed = ", ".join(
            f"`{printable(name)}` (in {rows_text(tally.count)})"
            for name, tally in list(self._unused.items())[:10]
        )
        more = f" and {len(self._unused) - 10} more" if len(self._unused) > 10 else ""
        advice = (
            "; what belongs to the question or the answer must be written into it, and `columns` names the "
            "fields to use"
        )
        yield Finding(
            "fields_unused",
            f"these fields hold words and are not read: {listed}{more}{'' if self._mapped else advice}",
            max(tally.count for tally in self._unused.values()),
            tuple(next(iter(self._unused.values())).numbers),
            "info" if self._mapped else "warn",
        )


def _texts_to_learn(row: Row) -> Iterator[object]:
    """The texts of a row that a missing value would stand in; its label has a finding of its own."""
    yield row.get("text")
    yield row.get("completion")
    messages = row.get("messages")
    if isinstance(messages, list):
        yield from (message["content"] for message in messages if message["role"] == "assistant")


def _rows(count: int, one: str, many: str) -> str:
    return f"{rows_text(count)} {one if count == 1 else many}"
