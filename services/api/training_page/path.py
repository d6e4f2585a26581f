"""The way to the best: each change on top of those before it, as a waterfall over the whole run's time."""

from dataclasses import dataclass

from services.api.page_kit.scales import Scale
from shared.messages.render import told
from shared.reports.training import TrainingReport
from shared.reports.training_text import change_words
from shared.units import duration, span


@dataclass(frozen=True)
class Station:
    """`width` is what the whole run takes then, `saved` what this change took off, `more` what it added."""

    name: str
    step: str
    run: str
    same_learning: bool
    width: float
    saved: float
    more: float


def stations(report: TrainingReport) -> tuple[Station, ...]:
    """As configured first; nothing where there is no change that was timed."""
    path = report.facts.path
    if len(path) < 2:
        return ()
    scale = Scale.over(step.run_seconds for step in path)
    found, before = [], path[0].run_seconds
    for step in path:
        width, earlier = scale.percent(step.run_seconds), scale.percent(before)
        found.append(
            Station(
                name=told(change_words(step.change)),
                step=duration(step.step_seconds),
                run=span(step.run_seconds),
                same_learning=step.same_learning,
                width=min(width, earlier),
                saved=round(max(0.0, earlier - width), 2),
                more=round(max(0.0, width - earlier), 2),
            )
        )
        before = step.run_seconds
    return tuple(found)
