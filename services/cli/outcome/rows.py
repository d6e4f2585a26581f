"""What became of the rows of a data set, with numbers: used, skipped and why, cut, written otherwise."""

from collections.abc import Iterator, Sequence
from typing import Any

from services.cli.outcome.lines import count
from shared.reports.rows import RowsUsed
from shared.reports.stored import read_stored

REASONS_TOLD = 3


def row_notes(result: dict[str, Any]) -> Iterator[str]:
    """A sentence for each thing that happened to rows on the way; none where all were taken as they are."""
    used = read_stored(RowsUsed, result)
    limit = result.get("max_seq_length")
    if skipped := used.skipped_rows:
        why = _reasons([(one.reason, one.rows) for one in used.skipped_reasons])
        yield f"{count(skipped, 'row')} skipped: {why or f'nothing to learn within {limit} tokens'}"
    if refused := _reasons([(one.reason, one.turns) for one in used.refused_turns]):
        yield f"turns not learned: {refused}"
    if cut := used.truncated_rows:
        yield f"{count(cut, 'row')} cut at {limit} tokens{_lost(used)}"
    if split := used.split_rows:
        yield f"{count(split, 'long text')} split into several rows, nothing of them lost"
    if unrolled := used.unrolled_rows:
        yield f"{count(unrolled, 'conversation')} learned as one row an answer"
    if ends := used.appended_end_rows:
        yield f"{count(ends, 'row')} given the end that the template does not write"
    if thoughts := used.lost_thoughts:
        yield f"{count(thoughts, 'thought')} not learned: the template leaves them out"
    for role, number in used.unwritten.items():
        yield f"the template does not write the words of `{role}`: {count(number, 'row')}"


def _lost(used: RowsUsed) -> str:
    lost, whole = used.lost_tokens, used.rendered_tokens
    if not lost or not whole:
        return ""
    text = f": {lost:,} of {whole:,} tokens lost ({lost / whole:.1%})"
    if gone := used.lost_answers:
        text += f", {gone:,} of {used.answers:,} answers not learned at all"
    if ends := used.cut_answers:
        text += f", {ends:,} without their end"
    return text


def _reasons(reasons: Sequence[tuple[str, int]]) -> str:
    """The most frequent reasons, each with its number."""
    shown = [f"{reason.rstrip('.')} ({number:,})" for reason, number in reasons[:REASONS_TOLD]]
    more = len(reasons) - len(shown)
    return "; ".join(shown) + (f"; and {count(more, 'other reason')}" if more > 0 else "")
