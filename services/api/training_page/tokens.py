"""Tokens real against computed, of the whole data set."""

from dataclasses import dataclass

from services.api.page_kit.bars import Segment, stack
from services.api.page_kit.scales import Scale
from shared.messages.message import say
from shared.messages.render import told
from shared.reports.training import TrainingReport


@dataclass(frozen=True)
class TokenBars:
    """`parts` add up to the computed tokens; `words` says how long rows are."""

    parts: tuple[Segment, ...]
    rows: tuple[tuple[str, str, str], ...]
    """(name, phase, tokens)"""
    words: str


def token_bars(report: TrainingReport) -> TokenBars | None:
    """None where nothing was counted. A shared prefix makes fewer tokens computed than there are."""
    tokens = report.facts.tokens
    if not tokens.computed_tokens:
        return None
    real = min(tokens.real_tokens, tokens.computed_tokens)
    learned = min(tokens.target_tokens, real)
    parts = [
        (told(say("learned-tokens-label")), "backward", float(learned)),
        (told(say("read-tokens-label")), "forward", float(real - learned)),
        (told(say("empty-tokens-label")), "empty", float(tokens.computed_tokens - real)),
    ]
    words = say(
        "row-lengths-row", mean=f"{tokens.mean:.0f}", p50=str(tokens.p50), p95=str(tokens.p95),
        longest=str(tokens.longest),
    )  # fmt: skip
    return TokenBars(
        stack(parts, Scale(float(tokens.computed_tokens))),
        tuple((name, phase, f"{amount:,.0f}") for name, phase, amount in parts),
        told(words),
    )
