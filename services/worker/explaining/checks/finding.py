"""A check of a training; what checks share.

Seconds in a finding and its remedies are of one step, on average over the run: what lies between steps is
spread over them, so that everything is ranked in one unit.
"""

from collections.abc import Callable
from dataclasses import dataclass

from shared.messages.message import Message, say
from shared.reports.finding import Finding, Remedy, Severity
from shared.reports.training_facts import Factor, FactorCost, Phase, TrainingFacts

WORTH_A_WARNING = 0.1  # of a step
WORTH_A_WORD = 0.03
NOTICED_SECONDS = (
    5.0  # of a whole run: for less nobody changes how rows are loaded or how often they are saved
)


@dataclass(frozen=True)
class TrainingCheck:
    """A pure question to the facts. `severity` is the gravest its findings can have."""

    id: str
    severity: Severity
    finds: str
    """What it finds, for the table of docs/checks.md."""
    run: Callable[[TrainingFacts], Finding | None]
    explains: tuple[str, ...] = ()
    """Ids of findings that may only follow from this one: whoever mends it may be rid of them."""
    unasked: Callable[[TrainingFacts], Message | None] = lambda facts: None
    """Why these facts can't answer the question; None where they can."""


def cost_of(facts: TrainingFacts, factor: Factor) -> FactorCost | None:
    """What changing `factor` was found to cost or save, where it was tried."""
    return next((cost for cost in facts.factors if cost.factor == factor and cost.ratio), None)


def without_phase(*phases: Phase) -> Callable[[TrainingFacts], Message | None]:
    """Of a check that asks for these phases of a step."""

    def unasked(facts: TrainingFacts) -> Message | None:
        seen = all(phase in facts.step.phase_seconds for phase in phases)
        return None if seen else say("not-checked-no-timer")

    return unasked


def by_share(saves_ratio: float) -> Severity:
    """A warning only when it takes a noticeable part of every step."""
    return "warning" if saves_ratio >= WORTH_A_WARNING else "info"


def saved_seconds(facts: TrainingFacts, saves_ratio: float) -> float:
    """Of one step."""
    return facts.step.step_seconds * saves_ratio


def phase_ratio(facts: TrainingFacts, *phases: str) -> float:
    """The share of a step that these phases take; 0 where no timer saw them."""
    seconds = sum(facts.step.phase_seconds.get(phase, 0.0) for phase in phases)
    return seconds / facts.step.step_seconds if facts.step.step_seconds else 0.0


def remedy(action: Message, facts: TrainingFacts, saves_ratio: float | None, **more: str) -> Remedy:
    """`saves_ratio`: of a step, None where the facts do not tell; `more` is the remedy's command."""
    saves = None if saves_ratio is None else saved_seconds(facts, saves_ratio)
    return Remedy(action=action, saves_seconds=saves, **more)
