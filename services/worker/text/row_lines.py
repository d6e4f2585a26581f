"""What became of a data set's rows, as messages: told before the first step, each with a code and numbers."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from services.worker.text.row_counts import RowCounts, message_of, reasons
from services.worker.text.row_rules import RowRules
from shared.field_values import marked
from shared.messages.message import Message, say

REASONS_TOLD = 3


@dataclass(frozen=True)
class RowLine:
    """One event of a job."""

    code: str
    message: Message
    data: dict[str, Any]
    level: Literal["info", "warn"] = "warn"


def row_lines(counts: RowCounts, rules: RowRules) -> Iterator[RowLine]:
    """What the owner of the rows should know, worst first."""
    yield from _not_learned(counts)
    yield from _cut(counts, rules)
    yield from _split(counts, rules)
    yield from _written_otherwise(counts)
    yield from _added(counts)
    yield from _endless(counts)
    yield from _special_tokens(counts)
    yield from _changed(counts)


def _not_learned(counts: RowCounts) -> Iterator[RowLine]:
    if counts.skipped:
        told = reasons_by_rows(counts.skipped_reasons)
        yield RowLine(
            "rows_skipped",
            say("rows-skipped", skipped=counts.skipped, rows=counts.seen, reasons=told),
            {"rows": counts.skipped, "reasons": reasons(counts.skipped_reasons, "rows")},
        )
    if counts.partly_refused:
        yield RowLine(
            "turns_refused",
            say(
                "turns-refused", rows=counts.partly_refused, reasons=_by_answers(counts.partly_refused_turns)
            ),
            {
                "rows": counts.partly_refused,
                "turns": counts.partly_refused_turns.total(),
                "reasons": reasons(counts.partly_refused_turns, "turns"),
            },
        )


def _cut(counts: RowCounts, rules: RowRules) -> Iterator[RowLine]:
    if not counts.truncated and not counts.lost_answers:
        return
    said = say(
        "rows-cut",
        rows=counts.truncated,
        max_seq_length=rules.max_seq_length,
        lost_tokens=counts.lost_tokens,
        tokens=counts.tokens,
        lost_ratio=_share(counts.lost_tokens, counts.tokens),
    )
    yield RowLine(
        "rows_truncated",
        say(
            "sentences",
            sentences=[
                said,
                *_lost_answers(counts),
                to_hold_rows(counts, "split" if rules.format == "text" else "shorten"),
            ],
        ),
        {
            "rows": counts.truncated,
            "tokens": counts.tokens,
            "longest_tokens": counts.longest,
            "lost_tokens": counts.lost_tokens,
            "answers": counts.answers,
            "lost_answers": counts.lost_answers,
            "cut_answers": counts.cut_answers,
        },
    )


def _lost_answers(counts: RowCounts) -> Iterator[Message]:
    if counts.lost_answers:
        share = _share(counts.lost_answers, counts.answers)
        yield say("answers-lost", lost=counts.lost_answers, answers=counts.answers, lost_ratio=share)
    if counts.unrendered_answers:
        yield say("answers-not-rendered", answers=counts.unrendered_answers)
    if counts.cut_answers:
        yield say("answers-without-end", answers=counts.cut_answers)


def to_hold_rows(counts: RowCounts, otherwise: Literal["shorten", "shorten_before", "split"]) -> Message:
    """What to change: max_seq_length, or the rows.

    Rows that were not rendered to their end are longer than the longest one that was.
    """
    is_known = not counts.unrendered_answers
    return say("to-hold-rows", longest=counts.longest, known=is_known, otherwise=otherwise)


def _split(counts: RowCounts, rules: RowRules) -> Iterator[RowLine]:
    if counts.split:
        limit = rules.max_seq_length
        yield RowLine(
            "rows_split",
            say("texts-split", texts=counts.split, max_seq_length=limit, rows=counts.seen, made=counts.made),
            {"rows": counts.split, "made": counts.made},
            level="info",
        )


def _written_otherwise(counts: RowCounts) -> Iterator[RowLine]:
    if counts.unrolled:
        yield RowLine(
            "rows_unrolled",
            say("conversations-unrolled", conversations=counts.unrolled, rows=counts.seen, made=counts.made),
            {"rows": counts.unrolled, "made": counts.made},
            level="info",
        )
    for role, rows in sorted(counts.unwritten.items()):
        is_tools = role == "tools"
        said = say("tools-not-written", rows=rows) if is_tools else _role_not_written(role, rows)
        yield RowLine(f"{role}_not_written", said, {"rows": rows})
    if lost := counts.thoughts_lost:
        yield RowLine("thoughts_not_written", say("thoughts-not-written", answers=lost), {"turns": lost})
    if foreign := counts.thoughts_foreign:
        said = say("thoughts-in-other-tags", answers=foreign)
        yield RowLine("thoughts_in_other_tags", said, {"turns": foreign})
    if closed := counts.thoughts_closed:
        said = say("thoughts-closed", answers=closed)
        yield RowLine("thoughts_closed", said, {"turns": closed}, level="info")


def _added(counts: RowCounts) -> Iterator[RowLine]:
    if words := counts.added_before:
        yield RowLine("words_before_answers", say("words-before-answers", words=words), {"words": words})
    if words := counts.added_after:
        yield RowLine("words_after_answers", say("words-after-answers", words=words), {"words": words})


def _role_not_written(role: str, rows: int) -> Message:
    return say("role-not-written", role=role, rows=rows)


def _endless(counts: RowCounts) -> Iterator[RowLine]:
    if rows := counts.ends_appended:
        yield RowLine("end_appended", say("end-appended", rows=rows), {"rows": rows})
    if rows := counts.ends_missing:
        yield RowLine("no_end_to_learn", say("no-end-to-learn", rows=rows), {"rows": rows})


def _special_tokens(counts: RowCounts) -> Iterator[RowLine]:
    if rows := counts.own_special_tokens:
        said = say("own-special-tokens", rows=rows)
        yield RowLine("own_special_tokens", said, {"rows": rows}, level="info")
    elif rows := counts.without_template:
        said = say("no-chat-template-applied", rows=rows, setting=marked(format="chat"))
        yield RowLine("no_chat_template_applied", said, {"rows": rows})


def _changed(counts: RowCounts) -> Iterator[RowLine]:
    if rows := counts.unknown_rows:
        said = say("characters-unknown", rows=rows, characters=counts.unknown_characters)
        yield RowLine("characters_unknown", said, {"rows": rows, "characters": counts.unknown_characters})
    if rows := counts.changed:
        said = say("characters-changed", rows=rows)
        yield RowLine("characters_changed", said, {"rows": rows}, level="info")


def reasons_by_rows(counted: Counter[str]) -> list[Message]:
    """The most frequent reasons, each with its number of rows, and how many more there are."""
    told = counted.most_common(REASONS_TOLD)
    listed = [say("reason-of-rows", rows=rows, reason=message_of(reason)) for reason, rows in told]
    return [*listed, *_more(counted)]


def _by_answers(counted: Counter[str]) -> list[Message]:
    told = counted.most_common(REASONS_TOLD)
    listed = [
        say("reason-of-answers", answers=answers, reason=message_of(reason)) for reason, answers in told
    ]
    return [*listed, *_more(counted)]


def _more(counted: Counter[str]) -> list[Message]:
    more = len(counted) - REASONS_TOLD
    return [say("more-reasons", reasons=more)] if more > 0 else []


def _share(part: int, whole: int) -> float:
    return part / max(1, whole)
