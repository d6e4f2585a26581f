"""The numbers that a report of rows as a model reads them begins with."""

from services.api.page_kit.figure import Figure
from services.api.page_kit.shares import in_hundred
from shared.messages.message import say
from shared.messages.render import told
from shared.reports.data_tokens import TokenReport


def key_figures(report: TokenReport) -> tuple[Figure, ...]:
    """Of the training rows."""
    part, tokens = report.training, report.training.tokens
    lengths = say("lengths-of-rows-row", p95=f"{tokens.p95:,}", longest=f"{tokens.longest:,}")
    return (
        Figure(told(say("rows-title")), f"{tokens.rows:,}", ""),
        Figure(told(say("tokens-of-a-row-title")), f"{tokens.mean:,.0f}", told(lengths)),
        Figure(
            told(say("cut-rows-title")),
            in_hundred(part.cut_ratio),
            told(say("cut-at-row", tokens=f"{report.max_seq_length:,}")),
        ),
    )
