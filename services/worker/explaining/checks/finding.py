"""A check of a training; what checks share. Seconds in a finding and its remedies are of one step."""

from collections.abc import Callable
from dataclasses import dataclass

from shared.reports.finding import Finding, Severity
from shared.reports.training_facts import Factor, FactorCost, TrainingFacts

WORTH_A_WARNING = 0.1  # of a step
WORTH_A_WORD = 0.03


@dataclass(frozen=True)
class TrainingCheck:
    """A pure question to the facts. `severity` is the gravest its findings can have."""

    id: str
    severity: Severity
    finds: str
    """What it finds, for the table of docs/checks.md."""
    run: Callable[[TrainingFacts], Finding | None]


def cost_of(facts: TrainingFacts, factor: Factor) -> FactorCost | None:
    """What changing `factor` was found to cost or save, where it was tried."""
    return next((cost for cost in facts.factors if cost.factor == factor and cost.ratio), None)


def by_share(saves_ratio: float) -> Severity:
    """A warning only when it takes a noticeable part of every step."""
    return "warning" if saves_ratio >= WORTH_A_WARNING else "info"


def saved_seconds(facts: TrainingFacts, saves_ratio: float) -> float:
    """Of one step."""
    return facts.step.step_seconds * saves_ratio
