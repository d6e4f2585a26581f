"""What a run does between its steps more often than it has to."""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Literal

from services.worker.explaining.checks.finding import NOTICED_SECONDS, WORTH_A_WORD, TrainingCheck, by_share
from shared.messages.message import Message, say
from shared.reports.finding import Finding, Remedy, Severity
from shared.reports.training_facts import Between, TrainingFacts

_ENOUGH = 0.05  # of the run: what the cadence that is proposed takes at most


@dataclass(frozen=True)
class _Cadence:
    """How often something is done in a run of `steps`, and what it takes; `every`: steps that would do."""

    count: int
    steps: int
    seconds: float
    run_seconds: float
    every: int
    enough_seconds: float

    @classmethod
    def of(cls, facts: TrainingFacts, what: Between) -> "_Cadence | None":
        count, seconds = facts.between_counts.get(what, 0), facts.between_seconds.get(what, 0.0)
        steps, step_seconds = max(1, facts.total_steps), facts.step.step_seconds
        if not count or not step_seconds:
            return None
        return cls(
            count=count,
            steps=steps,
            seconds=seconds,
            run_seconds=facts.whole_step_seconds * steps,
            every=ceil(seconds / count / (_ENOUGH * step_seconds)),
            enough_seconds=_ENOUGH * step_seconds * steps,
        )

    @property
    def one_seconds(self) -> float:
        return self.seconds / self.count

    @property
    def share(self) -> float:
        return self.seconds / self.run_seconds

    def saves_seconds(self, *, kept: int) -> float:
        """Of one step; `kept` times it is done in any case."""
        return max(0.0, self.seconds - max(self.enough_seconds, kept * self.one_seconds)) / self.steps

    def severity(self, saves_seconds: float) -> Severity | None:
        """None where next to nothing can be saved."""
        saves_ratio = saves_seconds * self.steps / self.run_seconds
        if saves_ratio < WORTH_A_WORD or saves_seconds * self.steps < NOTICED_SECONDS:
            return None
        return by_share(saves_ratio)


def find_frequent_validation(facts: TrainingFacts) -> Finding | None:
    """By another cadence, or where that is once an epoch already, by fewer rows."""
    rows, settings = facts.validation_rows or 0, facts.settings

    def action(cadence: _Cadence) -> Message:
        by_steps = settings is not None and settings.get("eval_strategy") == "steps"
        if by_steps and cadence.every < cadence.steps:
            return say("frequent-validation-remedy", every=cadence.every)
        return say("frequent-validation-remedy-rows")

    counted = say("validation-rows" if settings is None else "validation-rows-assumed", rows=rows)
    return _frequent(facts, "validation", kept=0, action=action, more=(counted,))


def find_frequent_saving(facts: TrainingFacts) -> Finding | None:
    """One checkpoint, at the end, is kept in any case."""

    def action(cadence: _Cadence) -> Message:
        if facts.settings is None:
            return say("frequent-saving-remedy-here")
        if cadence.every < cadence.steps:
            return say("frequent-saving-remedy", every=cadence.every)
        return say("frequent-saving-remedy-end")

    return _frequent(facts, "saving", kept=1, action=action)


def _frequent(
    facts: TrainingFacts,
    what: Literal["validation", "saving"],
    *,
    kept: int,
    action: Callable[[_Cadence], Message],
    more: tuple[Message, ...] = (),
) -> Finding | None:
    """`action` answers a cadence; `more` is evidence beside its numbers."""
    cadence = _Cadence.of(facts, what)
    if cadence is None:
        return None
    saves = cadence.saves_seconds(kept=kept)
    if (severity := cadence.severity(saves)) is None:
        return None
    evaluates = what == "validation"
    title = say(
        "frequent-validation-title" if evaluates else "frequent-saving-title", share_ratio=cadence.share
    )
    counted = say(
        "frequent-validation-evidence" if evaluates else "frequent-saving-evidence",
        count=cadence.count,
        steps=cadence.steps,
        one_seconds=cadence.one_seconds,
        all_seconds=cadence.seconds,
    )
    return Finding(
        id=f"frequent-{what}",
        severity=severity,
        title=title,
        evidence=(counted, *more),
        remedies=(Remedy(action=action(cadence), saves_seconds=saves),),
        costs_seconds=cadence.seconds / cadence.steps,
    )


CHECKS = (
    TrainingCheck(
        "frequent-validation", "warning", "evaluation takes a large part of the run", find_frequent_validation
    ),
    TrainingCheck("frequent-saving", "warning", "saving takes a large part of the run", find_frequent_saving),
)
