"""What the page says first: how many rows are learned whole, and what is the gravest thing that was found."""

from services.api.page_kit.verdict import Verdict
from shared.messages.message import Message, say
from shared.messages.render import told
from shared.reports.data_tokens import TokenPart, TokenReport


def verdict(report: TokenReport) -> Verdict:
    more = []
    if report.findings:
        more.append((told(say("first-to-look-at-label")), told(report.findings[0].title).replace("`", "")))
    return Verdict.of(told(_headline(report.training)), more)


def _headline(part: TokenPart) -> Message:
    if part.lost_answers:
        return say("answers-are-lost", lost=part.lost_answers, answers=part.answers)
    if part.truncated_rows:
        return say("rows-are-cut", rows=part.rows, cut=part.truncated_rows)
    return say("rows-are-read-whole", rows=part.rows)
