"""The report of a data set's tokens as plain lines: lengths, what is cut, tokens a letter, findings, rows."""

from collections.abc import Iterator

from shared.messages.message import Message, say
from shared.messages.render import told
from shared.reports.data_text import data_finding_lines
from shared.reports.data_tokens import RenderedRow, ScriptTokens, TokenPart, TokenReport
from shared.reports.text import row


def tokens_text(report: TokenReport) -> str:
    """The whole report in the reader's language, without colours; ⟦ and ⟧ are around what is learned."""
    limit = report.max_seq_length
    lines = [told(say("tokens-of-model-title", model=report.model, max_seq_length=limit)), ""]
    lines += [*_part_lines(report.training, limit), ""]
    if report.validation is not None:
        lines += [*_part_lines(report.validation, limit), ""]
    lines += data_finding_lines(report.findings)
    for example in report.training.examples:
        lines += [*_example_lines(example), ""]
    return "\n".join(lines).rstrip()


def _part_lines(part: TokenPart, limit: int) -> Iterator[str]:
    tokens = part.tokens
    yield told(say("token-part-title", part=part.part))
    yield row(say("rows-label"), say("token-rows-row", rows=part.rows, skipped=part.skipped_rows))
    yield row(
        say("tokens-label"),
        say(
            "token-lengths-row",
            mean=round(tokens.mean),
            p50=tokens.p50,
            p95=tokens.p95,
            longest=part.longest_tokens or tokens.longest,
        ),
    )
    yield row(say("cut-label"), _cut(part, limit))
    for number, script in enumerate(part.scripts[:3]):
        yield row(say("letters-label") if number == 0 else None, _script(script))


def _cut(part: TokenPart, limit: int) -> Message:
    return say(
        "token-cut-row",
        rows=part.truncated_rows,
        cut_ratio=part.cut_ratio,
        max_seq_length=limit,
        cut=part.cut_answers,
        lost=part.lost_answers,
        answers=part.answers,
    )


def _script(each: ScriptTokens) -> Message:
    usual = each.usual_tokens_per_letter
    seen = f"{each.tokens_per_letter:.2f}"
    if usual is None:
        return say("letter-tokens-row", script=each.script, seen=seen)
    return say("letter-tokens-and-usual-row", script=each.script, seen=seen, usual=f"{usual:.2f}")


def _example_lines(example: RenderedRow) -> Iterator[str]:
    yield told(
        say(
            "rendered-row-title",
            number=example.number,
            tokens=example.tokens,
            learned=example.learned_tokens,
            left_out=example.left_out_tokens,
        )
    )
    yield from (f"   {line}" for line in example.marked.splitlines())
