"""What a run does between its steps more often than it has to."""

from dataclasses import dataclass
from math import ceil

from services.worker.explaining.checks.finding import WORTH_A_WORD, TrainingCheck, by_share
from shared.messages.message import say
from shared.reports.finding import Finding, Remedy
from shared.reports.training_facts import Between, TrainingFacts

_ENOUGH = 0.05  # of the run: what the cadence that is proposed takes at most


@dataclass(frozen=True)
class _Cadence:
    """How often something is done in a run of `steps`, and what it takes; `every`: steps that would do."""

    count: int
    steps: int
    seconds: float
    share: float
    every: int

    @classmethod
    def of(cls, facts: TrainingFacts, what: Between) -> "_Cadence | None":
        """None where it hardly takes a part of the run."""
        count, seconds = facts.between_counts.get(what, 0), facts.between_seconds.get(what, 0.0)
        steps = max(1, facts.total_steps)
        whole = facts.whole_step_seconds * steps
        if not count or seconds < WORTH_A_WORD * whole:
            return None
        every = ceil(seconds / count / (_ENOUGH * facts.step.step_seconds))
        return cls(count, steps, seconds, seconds / whole, every)

    @property
    def saves_seconds(self) -> float:
        """Of one step."""
        kept = self.one_seconds * max(1, self.steps // self.every)
        return max(0.0, self.seconds - kept) / self.steps

    @property
    def one_seconds(self) -> float:
        return self.seconds / self.count


def find_frequent_validation(facts: TrainingFacts) -> Finding | None:
    cadence = _Cadence.of(facts, "validation")
    if cadence is None:
        return None
    rows, assumed = facts.validation_rows or 0, facts.settings is not None
    action = (
        say("frequent-validation-remedy", every=cadence.every)
        if cadence.every < cadence.steps
        else say("frequent-validation-remedy-end")
    )
    return Finding(
        id="frequent-validation",
        severity=by_share(cadence.share),
        title=say("frequent-validation-title", share_ratio=cadence.share),
        evidence=(
            say(
                "frequent-validation-evidence",
                count=cadence.count,
                steps=cadence.steps,
                one_seconds=cadence.one_seconds,
                all_seconds=cadence.seconds,
            ),
            say("validation-rows-assumed", rows=rows) if assumed else say("validation-rows", rows=rows),
        ),
        remedies=(Remedy(action=action, saves_seconds=cadence.saves_seconds),),
        costs_seconds=cadence.seconds / cadence.steps,
    )


def find_frequent_saving(facts: TrainingFacts) -> Finding | None:
    cadence = _Cadence.of(facts, "saving")
    if cadence is None:
        return None
    action = (
        say("frequent-saving-remedy", every=cadence.every)
        if cadence.every < cadence.steps
        else say("frequent-saving-remedy-end")
    )
    return Finding(
        id="frequent-saving",
        severity=by_share(cadence.share),
        title=say("frequent-saving-title", share_ratio=cadence.share),
        evidence=(
            say(
                "frequent-saving-evidence",
                count=cadence.count,
                steps=cadence.steps,
                one_seconds=cadence.one_seconds,
                all_seconds=cadence.seconds,
            ),
        ),
        remedies=(Remedy(action=action, saves_seconds=cadence.saves_seconds),),
        costs_seconds=cadence.seconds / cadence.steps,
    )


CHECKS = (
    TrainingCheck(
        "frequent-validation", "warning", "evaluation takes a good part of the run", find_frequent_validation
    ),
    TrainingCheck("frequent-saving", "warning", "saving takes a good part of the run", find_frequent_saving),
)
