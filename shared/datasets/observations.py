"""Looks at every good row as it goes by and knows at the end what its owner should be told."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, get_args

from shared.datasets.conversations import Remark
from shared.datasets.damaged_text import is_damaged
from shared.datasets.findings import Finding, Tally
from shared.datasets.labels import (
    MISSING_WORDS,
    Change,
    clean_label,
    listed_labels,
    look_alikes,
    missing_words,
    printable,
    says_truth_twice,
)
from shared.datasets.repeats import Repeats
from shared.datasets.texts import Row, carries_words
from shared.messages.said import Said, say

FEW_ROWS = 10
MOST_UNUSED = 50
InTexts = Literal["text_damaged", "text_missing"]
_INFO = frozenset({"roles_renamed", "content_joined", "messages_in_string", "weight_zero"})
_FIELDS_SHOWN = 10


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
        self._use = "counted" if measured else "learned"
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
                say("repeated-rows", rows=repeat.count, use=self._use),
                self._unit,
            )
        if self._repeats.is_full:
            yield Finding("repeats_not_counted", say("repeats-not-counted"), 0)
        for remark in (*get_args(InTexts), *get_args(Remark)):
            if tally := self._tallies.get(remark):
                level: Literal["info", "warn"] = "info" if remark in _INFO else "warn"
                yield tally.finding(remark, _remark(remark, tally.count), self._unit, level)

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
            said = say(
                "contradicting-labels",
                rows=clash.count,
                use=self._use,
                unit=self._unit,
                second=second,
                first=first,
            )
            yield clash.finding("contradicting_labels", said, self._unit)

    def _label_findings(self) -> Iterator[Finding]:
        counts = self.labels
        if changed := self._tallies.get("label_changed"):
            done = [_change(code, count) for code in get_args(Change) if (count := self._changes[code])]
            said = say("labels-normalised", rows=changed.count, changes=done)
            yield changed.finding("labels_normalised", said, self._unit, "info")
        for group in look_alikes(counts):
            yield Finding(
                "labels_look_alike",
                say(
                    "labels-look-alike",
                    labels=listed_labels(counts, group),
                    use=self._use,
                    classes=len(group),
                ),
                sum(counts[label] for label in group),
            )
        if missing := missing_words(counts):
            yield Finding(
                "labels_missing",
                say(
                    "labels-missing",
                    labels=listed_labels(counts, missing),
                    count=len(missing),
                    use=self._use,
                ),
                sum(counts[label] for label in missing),
            )
        if says_truth_twice(counts):
            yield Finding(
                "labels_mixed",
                say("labels-mixed", labels=listed_labels(counts, sorted(counts)), use=self._use),
                counts.total(),
            )
        yield from self._odd_counts()

    def _odd_counts(self) -> Iterator[Finding]:
        rows, labels = self.labels.total(), len(self.labels)
        if rows < FEW_ROWS:
            return
        if labels * 2 > rows:
            column = f"`{printable(self._label_column or 'label')}`"
            yield Finding("labels_many", say("labels-many", labels=labels, rows=rows, column=column), labels)
        elif labels == 1:
            label = f"`{printable(next(iter(self.labels)))}`"
            yield Finding("labels_one", say("labels-one", label=label), rows)

    def _unused_findings(self) -> Iterator[Finding]:
        if not self._unused:
            return
        shown = list(self._unused.items())[:_FIELDS_SHOWN]
        names = [f"`{printable(name)}` ({tally.count:,})" for name, tally in shown]
        listed = say(
            "listed-names-piece", count=len(self._unused), names=names, more=len(self._unused) - len(shown)
        )
        yield Finding(
            "fields_unused",
            say("fields-unused" if self._mapped else "fields-unused-and-advice", fields=listed),
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


def _remark(remark: InTexts | Remark, rows: int) -> Said:
    match remark:
        case "text_damaged":
            return say("text-damaged", rows=rows)
        case "text_missing":
            return say("text-missing", rows=rows)
        case "roles_renamed":
            return say("roles-renamed", rows=rows)
        case "content_joined":
            return say("content-joined", rows=rows)
        case "messages_in_string":
            return say("messages-in-string", rows=rows)
        case "weight_zero":
            return say("weight-zero", rows=rows)
        case "name_dropped":
            return say("name-dropped", rows=rows)


def _change(change: Change, rows: int) -> Said:
    match change:
        case "nfc":
            return say("label-letters-composed", rows=rows)
        case "invisible":
            return say("label-characters-removed", rows=rows)
        case "spaces":
            return say("label-spaces-changed", rows=rows)
        case "whole":
            return say("label-made-whole", rows=rows)
