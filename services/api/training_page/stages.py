"""The eight stages of a run, and what goes on between its steps."""

from dataclasses import dataclass

from services.api.page_kit.bars import Bar, Segment, stack
from services.api.page_kit.scales import Scale
from shared.messages.message import say
from shared.messages.render import told
from shared.reports.training import TrainingReport
from shared.reports.training_facts import BETWEEN, STAGES, TrainingFacts
from shared.units import span


@dataclass(frozen=True)
class StageRow:
    """`seconds` is None of a stage that was not timed."""

    name: str
    phase: str
    seconds: float | None
    share: float | None


@dataclass(frozen=True)
class Stages:
    """`bar` has every second once: collating lies within training, and has no stretch of its own."""

    bar: tuple[Segment, ...]
    rows: tuple[StageRow, ...]
    between: tuple[Bar, ...]
    whole: str


def stages(report: TrainingReport) -> Stages | None:
    """None where no stage was timed."""
    facts = report.facts
    if not any(facts.stages.values()):
        return None
    parts: list[tuple[str, str, float]] = [
        (told(say("stage-of-run-label", stage=name)), name, facts.stages[name])
        for name in STAGES
        if facts.stages.get(name) and name != "collating"
    ]
    timed = sum(seconds for _, _, seconds in parts)
    whole = max(timed, facts.wall_seconds or 0.0)
    if whole > 1.005 * timed:
        parts.append((told(say("stage-of-run-label", stage="unseen")), "other", whole - timed))
    return Stages(
        bar=stack(parts, Scale(whole)),
        rows=tuple(_row(facts, name, whole) for name in STAGES),
        between=_between(facts),
        whole=span(whole),
    )


def _row(facts: TrainingFacts, name: str, whole: float) -> StageRow:
    seconds = facts.stages.get(name)
    share = None if seconds is None else seconds / whole
    return StageRow(told(say("stage-of-run-label", stage=name)), name, seconds, share)


def _between(facts: TrainingFacts) -> tuple[Bar, ...]:
    scale = Scale.over(facts.between_seconds.values())
    return tuple(
        Bar("before", told(say("between-steps-label", what=name)), seconds, scale.percent(seconds))
        for name in (*BETWEEN, *sorted(set(facts.between_seconds) - set(BETWEEN)))
        if (seconds := facts.between_seconds.get(name))
    )
