"""What became of the rows of a data set: used, skipped, cut, written otherwise; with the reasons."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.messages.message import Message, read_stored, say
from shared.reports.rows import RefusedTurns, RowsUsed, SkippedRows

REASONS_SHOWN = 20
NUMBERS_SHOWN = 5


@dataclass
class RowCounts:
    """Counted while rows are encoded. Rows are the data set's unless `made` or said otherwise.

    `tokens` and `target_tokens` are those of all that was rendered, `lost_*` the part beyond
    max_seq_length; `longest` are those of the longest row. `lost_answers` are answers of which nothing is
    learned, `cut_answers` those that are learned without their end; `unrendered_answers` are lost ones that
    stand so far beyond it that they were not even rendered. `partly_refused` rows are used without some of
    their turns. `unwritten` counts rows by the role whose words the template does not write.
    `unknown_characters` stand outside the answers of `unknown_rows`. `thoughts_foreign` are thoughts in other
    tags than the template's. `added_before` and `added_after` are what the template itself writes around an
    answer. `first_truncated` and `first_skipped` are the numbers of the first of these rows, from 1. Reasons
    are messages as they are stored.
    """

    seen: int = 0
    used: int = 0
    made: int = 0
    truncated: int = 0
    unrolled: int = 0
    split: int = 0
    tokens: int = 0
    longest: int = 0
    lost_tokens: int = 0
    target_tokens: int = 0
    lost_target_tokens: int = 0
    answers: int = 0
    lost_answers: int = 0
    cut_answers: int = 0
    ends_appended: int = 0
    ends_missing: int = 0
    unrendered_answers: int = 0
    thoughts_lost: int = 0
    thoughts_closed: int = 0
    own_special_tokens: int = 0
    without_template: int = 0
    changed: int = 0
    unknown_rows: int = 0
    unknown_characters: int = 0
    thoughts_foreign: int = 0
    added_before: str = ""
    added_after: str = ""
    skipped_reasons: Counter[str] = field(default_factory=Counter)
    refused_turns: Counter[str] = field(default_factory=Counter)
    partly_refused: int = 0
    partly_refused_turns: Counter[str] = field(default_factory=Counter)
    first_truncated: list[int] = field(default_factory=list)
    first_skipped: list[int] = field(default_factory=list)
    unwritten: Counter[str] = field(default_factory=Counter)

    def note_truncated(self, number: int) -> None:
        """The row of the data set with this number is cut; of an unrolled one each of its rows may be."""
        self.truncated += 1
        if len(self.first_truncated) < NUMBERS_SHOWN and number not in self.first_truncated:
            self.first_truncated.append(number)

    def note_skipped(self, number: int, reason: str) -> None:
        self.skipped_reasons[reason] += 1
        if len(self.first_skipped) < NUMBERS_SHOWN:
            self.first_skipped.append(number)

    @property
    def skipped(self) -> int:
        return self.seen - self.used

    def as_result(self) -> dict[str, Any]:
        """The fields of a job's result; `rows` are those that are trained on."""
        used = RowsUsed(
            rows=self.made,
            read_rows=self.seen,
            skipped_rows=self.skipped,
            skipped_reasons=tuple(
                SkippedRows.model_validate(one) for one in reasons(self.skipped_reasons, "rows")
            ),
            refused_turns=tuple(
                RefusedTurns.model_validate(one) for one in reasons(self.refused_turns, "turns")
            ),
            truncated_rows=self.truncated,
            unrolled_rows=self.unrolled,
            split_rows=self.split,
            rendered_tokens=self.tokens,
            longest_tokens=self.longest,
            lost_tokens=self.lost_tokens,
            lost_target_tokens=self.lost_target_tokens,
            answers=self.answers,
            lost_answers=self.lost_answers,
            cut_answers=self.cut_answers,
            appended_end_rows=self.ends_appended,
            endless_rows=self.ends_missing,
            lost_thoughts=self.thoughts_lost,
            closed_thoughts=self.thoughts_closed,
            changed_rows=self.changed,
            unknown_rows=self.unknown_rows,
            unwritten=dict(self.unwritten),
        )
        return used.model_dump(mode="json")

    def as_dict(self) -> dict[str, Any]:
        """All of it as JSON; `RowCounts.of` takes it back."""
        return {
            name: dict(value) if isinstance(value, Counter) else value for name, value in vars(self).items()
        }

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> "RowCounts":
        counts = cls()
        for name, value in fields.items():
            setattr(counts, name, Counter(value) if isinstance(value, dict) else value)
        return counts


def reasons(counted: Counter[str], what: str) -> list[dict[str, Any]]:
    """The most frequent reasons with how many `what` each has."""
    return [
        {"reason": message_of(reason).model_dump(mode="json"), what: count}
        for reason, count in counted.most_common(REASONS_SHOWN)
    ]


def message_of(reason: str) -> Message:
    """The message in a stored reason; one of before, kept with a job's rows, has its text as the value."""
    said = read_stored(reason)
    return said if isinstance(said, Message) else say("reason-of-before", reason=said)
