"""What would save time: the findings in their order, each with a step (or the run) now and without it."""

from dataclasses import dataclass

from services.api.page_kit.bars import Bar
from services.api.page_kit.scales import Scale
from shared.messages.message import say
from shared.messages.render import told
from shared.reports.finding import Finding
from shared.reports.training import TrainingReport
from shared.reports.training_verdict import BETWEEN_STEPS, run_then_seconds, then_seconds


@dataclass(frozen=True)
class Saving:
    """`bars`: a step now, and without the cause; the run, where the cause lies between steps; none where no
    saving is known.
    """

    number: int
    finding: Finding
    bars: tuple[Bar, ...]


def savings(report: TrainingReport) -> tuple[Saving, ...]:
    return tuple(
        Saving(number, finding, _bars(report, finding)) for number, finding in enumerate(report.findings, 1)
    )


def _bars(report: TrainingReport, finding: Finding) -> tuple[Bar, ...]:
    if finding.id in BETWEEN_STEPS:
        now, then, label = (
            report.summary.run_seconds,
            run_then_seconds(report, finding),
            say("a-run-now-label"),
        )
    else:
        now, then, label = report.summary.step_seconds, then_seconds(report, finding), say("a-step-now-label")
    if then is None:
        return ()
    scale = Scale(now)
    return (
        Bar("before", told(label), now, scale.percent(now)),
        Bar("predicted", told(say("a-step-then-label")), then, scale.percent(then)),
    )
