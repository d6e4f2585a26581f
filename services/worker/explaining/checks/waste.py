"""What is computed in vain: padding, and what is computed twice."""

from services.worker.explaining.checks.finding import (
    WORTH_A_WORD,
    TrainingCheck,
    by_share,
    cost_of,
    saved_seconds,
)
from shared.messages.message import say
from shared.reports.finding import Finding, Remedy
from shared.reports.training_facts import TrainingFacts


def find_padding(facts: TrainingFacts) -> Finding | None:
    """Empty tokens are computed like others; what leaving them out saves was timed, or is their share."""
    cost, empty = cost_of(facts, "padding"), facts.tokens.padding_ratio
    saves = cost.saves_ratio if cost is not None else empty
    if empty < WORTH_A_WORD or saves < WORTH_A_WORD:
        return None
    return Finding(
        id="padding",
        severity=by_share(saves),
        title=say("padding-title", empty_ratio=empty),
        evidence=(
            say(
                "padding-evidence",
                computed_tokens=facts.tokens.computed_tokens,
                real_tokens=facts.tokens.real_tokens,
                mean=round(facts.tokens.mean),
                longest=facts.tokens.longest,
            ),
        ),
        remedies=(Remedy(action=say("padding-remedy"), saves_seconds=saved_seconds(facts, saves)),),
        costs_seconds=saved_seconds(facts, empty),
    )


def find_recomputation(facts: TrainingFacts) -> Finding | None:
    """Gradient checkpointing is worth its time only where the memory is needed."""
    cost = cost_of(facts, "gradient_checkpointing")
    if cost is None or not facts.recomputed_ratio or cost.saves_ratio < WORTH_A_WORD:
        return None
    if cost.basis == "does_not_fit":
        return None
    return Finding(
        id="recomputation",
        severity=by_share(cost.saves_ratio),
        title=say("recomputation-title", ratio=round(cost.ratio or 1.0, 2)),
        evidence=(
            say(
                "recomputation-evidence",
                as_is_seconds=cost.as_is_seconds,
                changed_seconds=cost.changed_seconds,
                rounds=cost.rounds,
            ),
        ),
        remedies=(
            Remedy(action=say("recomputation-remedy"), saves_seconds=saved_seconds(facts, cost.saves_ratio)),
        ),
        costs_seconds=saved_seconds(facts, cost.saves_ratio),
    )


CHECKS = (
    TrainingCheck("padding", "warning", "rows padded with tokens that stand for nothing", find_padding),
    TrainingCheck(
        "recomputation", "warning", "layers computed twice though the memory is enough", find_recomputation
    ),
)
