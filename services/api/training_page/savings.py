"""What would save time: the findings in the report's order, each with a step as it is and without it.

A step is the average over the run, with its part of what lies between steps.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from services.api.page_kit.bars import Bar
from services.api.page_kit.scales import Scale
from shared.messages.message import say
from shared.messages.render import told
from shared.reports.finding import Finding
from shared.reports.training import TrainingReport


@dataclass(frozen=True)
class Saving:
    """`bars`: a step now, and without the cause; none where no saving is known."""

    number: int
    finding: Finding
    bars: tuple[Bar, ...]


def savings(report: TrainingReport) -> tuple[Saving, ...]:
    scale = Scale(report.facts.whole_step_seconds)
    return tuple(
        Saving(number, finding, tuple(_bars(report, finding, scale)))
        for number, finding in enumerate(report.findings, 1)
    )


def _bars(report: TrainingReport, finding: Finding, scale: Scale) -> Iterator[Bar]:
    saves, step = finding.saves_seconds, report.facts.whole_step_seconds
    if not saves:
        return
    then = max(0.0, step - saves)
    yield Bar("before", told(say("a-step-now-label")), step, scale.percent(step))
    yield Bar("predicted", told(say("a-step-then-label")), then, scale.percent(then))
