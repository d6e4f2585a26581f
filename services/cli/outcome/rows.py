"""What became of the rows of a data set, with numbers: used, skipped and why, cut, written otherwise."""

from collections.abc import Iterator, Sequence
from typing import Any

from shared.messages.message import Message, say
from shared.messages.render import shown
from shared.reports.rows import RowsUsed
from shared.reports.stored import read_stored

REASONS_TOLD = 3


def row_notes(result: dict[str, Any]) -> Iterator[str]:
    """A line for each thing that happened to rows on the way; none where all were taken as they are."""
    used = read_stored(RowsUsed, result)
    limit = str(result.get("max_seq_length"))
    if used.skipped_rows:
        yield shown(_skipped(used, limit))
    if refused := _reasons([(shown(one.reason), one.turns) for one in used.refused_turns]):
        yield shown(say("refused-turns-label", reasons=refused))
    if used.truncated_rows:
        yield _cut(used, limit)
    yield from map(shown, _written_otherwise(used))


def _skipped(used: RowsUsed, limit: str) -> Message:
    if reasons := _reasons([(shown(one.reason), one.rows) for one in used.skipped_reasons]):
        return say("skipped-rows-label", rows=used.skipped_rows, reasons=reasons)
    return say("skipped-within-limit-label", rows=used.skipped_rows, limit=limit)


def _written_otherwise(used: RowsUsed) -> Iterator[Message]:
    if split := used.split_rows:
        yield say("split-texts-label", texts=split)
    if unrolled := used.unrolled_rows:
        yield say("unrolled-rows-label", conversations=unrolled)
    if ends := used.appended_end_rows:
        yield say("ends-added-label", rows=ends)
    if thoughts := used.lost_thoughts:
        yield say("thoughts-left-label", thoughts=thoughts)
    for role, number in used.unwritten.items():
        yield say("words-unwritten-label", role=role, rows=number)


def _cut(used: RowsUsed, limit: str) -> str:
    cut = say("cut-rows-label", rows=used.truncated_rows, limit=limit)
    if used.longest_tokens:  # earlier releases did not keep it
        cut = say("cut-rows-and-longest-label", cut=cut, longest=used.longest_tokens)
    lost, whole = used.lost_tokens, used.rendered_tokens
    if not lost or not whole:
        return shown(cut)
    told = [say("lost-tokens-label", cut=cut, lost=lost, whole=whole, share=f"{lost / whole:.1%}")]
    if gone := used.lost_answers:
        told.append(say("lost-answers-label", lost=gone, answers=used.answers))
    if ends := used.cut_answers:
        told.append(say("endless-answers-label", count=ends))
    return ", ".join(map(shown, told))


def _reasons(reasons: Sequence[tuple[str, int]]) -> str:
    """The most frequent reasons, each with its number."""
    told = [
        say("counted-reason-label", reason=reason.rstrip("."), count=number)
        for reason, number in reasons[:REASONS_TOLD]
    ]
    if (more := len(reasons) - len(told)) > 0:
        told.append(say("other-reasons-label", count=more))
    return "; ".join(map(shown, told))
