"""What became of a data set's rows, in words: told before the first step, each with a code and numbers."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from services.worker.text.row_counts import RowCounts, reasons
from services.worker.text.row_rules import RowRules
from shared.field_values import marked


@dataclass(frozen=True)
class RowLine:
    """One event of a job."""

    code: str
    message: str
    data: dict[str, Any]
    level: Literal["info", "warn"] = "warn"


def row_lines(counts: RowCounts, rules: RowRules) -> Iterator[RowLine]:
    """What the owner of the rows should know, worst first."""
    yield from _not_learned(counts)
    yield from _cut(counts, rules)
    yield from _written_otherwise(counts)
    yield from _endless(counts)
    yield from _special_tokens(counts)
    yield from _changed(counts)


def _not_learned(counts: RowCounts) -> Iterator[RowLine]:
    if counts.skipped:
        yield RowLine(
            "rows_skipped",
            f"{counts.skipped} of {counts.seen} rows are skipped: {_listed(counts.skipped_reasons, 'row')}.",
            {"rows": counts.skipped, "reasons": reasons(counts.skipped_reasons, "rows")},
        )
    if counts.partly_refused:
        reasons_told = _listed(counts.partly_refused_turns, "answer")
        yield RowLine(
            "turns_refused",
            f"{counts.partly_refused} rows are learned without some of their answers: {reasons_told}.",
            {
                "rows": counts.partly_refused,
                "turns": counts.partly_refused_turns.total(),
                "reasons": reasons(counts.partly_refused_turns, "turns"),
            },
        )


def _cut(counts: RowCounts, rules: RowRules) -> Iterator[RowLine]:
    limit = rules.max_seq_length
    if counts.truncated or counts.lost_answers:
        yield RowLine(
            "rows_truncated",
            f"{counts.truncated} rows are longer than max_seq_length {limit} and were cut: "
            f"{counts.lost_tokens} of {counts.tokens} rendered tokens "
            f"({_percent(counts.lost_tokens, counts.tokens)}) are lost.{_lost_answers(counts)}",
            {
                "rows": counts.truncated,
                "tokens": counts.tokens,
                "lost_tokens": counts.lost_tokens,
                "answers": counts.answers,
                "lost_answers": counts.lost_answers,
                "cut_answers": counts.cut_answers,
            },
        )
    if counts.split:
        yield RowLine(
            "rows_split",
            f"{counts.split} texts are longer than max_seq_length {limit} and are split: {counts.seen} rows "
            f"become {counts.made}, nothing is lost.",
            {"rows": counts.split, "made": counts.made},
            level="info",
        )


def _endless(counts: RowCounts) -> Iterator[RowLine]:
    if counts.ends_appended:
        yield RowLine(
            "end_appended",
            f"The chat template writes no end token after an answer. In {counts.ends_appended} rows the "
            "tokenizer's end of sequence is learned after the answer, so that the model learns to stop.",
            {"rows": counts.ends_appended},
        )
    if counts.ends_missing:
        yield RowLine(
            "no_end_to_learn",
            f"Neither the chat template nor the tokenizer has an end token for the answers of "
            f"{counts.ends_missing} rows: the model does not learn from them when to stop.",
            {"rows": counts.ends_missing},
        )


def _lost_answers(counts: RowCounts) -> str:
    sentences = []
    if counts.lost_answers:
        share = _percent(counts.lost_answers, counts.answers)
        sentences.append(
            f"{counts.lost_answers} of {counts.answers} answers ({share}) are not learned at all."
        )
    if counts.unrendered_answers:
        sentences.append(
            f"{counts.unrendered_answers} of them stand so far beyond that they were not rendered."
        )
    if counts.cut_answers:
        sentences.append(
            f"{counts.cut_answers} lose their end: the model does not learn from them when to stop."
        )
    return "".join(f" {sentence}" for sentence in sentences)


def _written_otherwise(counts: RowCounts) -> Iterator[RowLine]:
    if counts.unrolled:
        yield RowLine(
            "rows_unrolled",
            f"{counts.unrolled} conversations are learned as several rows, each answer as the model sees it "
            "at its time: later on the chat template writes it otherwise, or without an end. "
            f"{counts.seen} rows become {counts.made}.",
            {"rows": counts.unrolled, "made": counts.made},
            level="info",
        )
    for role, rows in sorted(counts.unwritten.items()):
        what = "the tools" if role == "tools" else f"a message of role {role}"
        yield RowLine(
            f"{role}_not_written",
            f"The chat template does not write {what} in {rows} rows: the answers are learned without.",
            {"rows": rows},
        )
    if counts.thoughts_lost:
        yield RowLine(
            "thoughts_not_written",
            f"The chat template drops the thought of {counts.thoughts_lost} answers: only what follows the "
            "thought is learned.",
            {"turns": counts.thoughts_lost},
        )
    if counts.thoughts_closed:
        yield RowLine(
            "thoughts_closed",
            f"The chat template opens a thought before an answer, and {counts.thoughts_closed} answers have "
            "none: they are learned after an empty thought. Ask the tuned model the same way.",
            {"turns": counts.thoughts_closed},
            level="info",
        )


def _changed(counts: RowCounts) -> Iterator[RowLine]:
    if counts.changed:
        yield RowLine(
            "characters_changed",
            f"In {counts.changed} rows the model's tokenizer writes characters of an answer otherwise (it "
            "composes or simplifies them): learned is what it writes.",
            {"rows": counts.changed},
            level="info",
        )


def _special_tokens(counts: RowCounts) -> Iterator[RowLine]:
    if counts.own_special_tokens:
        yield RowLine(
            "own_special_tokens",
            f"{counts.own_special_tokens} rows have special tokens of the model in their text; where a row "
            "begins or ends with its own, none is added.",
            {"rows": counts.own_special_tokens},
            level="info",
        )
    elif counts.without_template:
        yield RowLine(
            "no_chat_template_applied",
            f"{counts.without_template} rows of prompt and completion are learned as they stand. The model "
            "has a chat template, which is not applied to them. If the model is to be talked to, give "
            f"{marked(format='chat')}: then they become a message of the user and its answer.",
            {"rows": counts.without_template},
        )


def _listed(counted: Counter[str], what: str) -> str:
    """The most frequent reasons with their numbers; `what` is one of the things counted."""
    listed = "; ".join(f"{reason} ({_number(count, what)})" for reason, count in counted.most_common(3))
    more = len(counted) - 3
    return f"{listed}; and {_number(more, 'more reason')}" if more > 0 else listed


def _number(count: int, what: str) -> str:
    """`1 row`, `2 rows`."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / max(1, whole):.0f} %"
