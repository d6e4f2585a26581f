"""What became of the rows of a data set, with numbers: used, skipped and why, cut, written otherwise."""

from collections.abc import Iterator
from typing import Any

from services.cli.outcome.lines import count

REASONS_TOLD = 3


def row_notes(result: dict[str, Any]) -> Iterator[str]:
    """A sentence for each thing that happened to rows on the way; none where all were taken as they are."""
    limit = result.get("max_seq_length")
    if skipped := result.get("skipped_rows"):
        why = _reasons(result.get("skipped_reasons"), "rows")
        yield f"{count(skipped, 'row')} skipped: {why or f'nothing to learn within {limit} tokens'}"
    if refused := _reasons(result.get("refused_turns"), "turns"):
        yield f"turns not learned: {refused}"
    if cut := result.get("truncated_rows"):
        yield f"{count(cut, 'row')} cut at {limit} tokens{_lost(result)}"
    if split := result.get("split_rows"):
        yield f"{count(split, 'long text')} split into several rows, nothing of them lost"
    if unrolled := result.get("unrolled_rows"):
        yield f"{count(unrolled, 'conversation')} learned as one row an answer"
    if ends := result.get("appended_end_rows"):
        yield f"{count(ends, 'row')} given the end that the template does not write"
    if thoughts := result.get("lost_thoughts"):
        yield f"{count(thoughts, 'thought')} not learned: the template leaves them out"
    for role, number in (result.get("unwritten") or {}).items():
        yield f"the template does not write the words of `{role}`: {count(number, 'row')}"


def _lost(result: dict[str, Any]) -> str:
    lost, whole = result.get("lost_tokens"), result.get("rendered_tokens")
    if not lost or not whole:
        return ""
    text = f": {lost:,} of {whole:,} tokens lost ({lost / whole:.1%})"
    answers = result.get("answers")
    if gone := result.get("lost_answers"):
        text += f", {gone:,} of {answers:,} answers not learned at all"
    if ends := result.get("cut_answers"):
        text += f", {ends:,} without their end"
    return text


def _reasons(told: Any, what: str) -> str:
    """The most frequent reasons, each with its number."""
    reasons = [(one["reason"], one[what]) for one in told or ()]
    shown = [f"{reason} ({number:,})" for reason, number in reasons[:REASONS_TOLD]]
    more = len(reasons) - len(shown)
    return "; ".join(shown) + (f"; and {count(more, 'other reason')}" if more > 0 else "")
