"""Which pictures this report has no data for, and why."""

from collections.abc import Iterator

from shared.messages.message import Message, say
from shared.messages.render import told
from shared.reports.training import TrainingReport


def left_out(report: TrainingReport) -> tuple[str, ...]:
    return tuple(told(reason) for reason in _reasons(report))


def _reasons(report: TrainingReport) -> Iterator[Message]:
    facts, tries = report.facts, report.kind == "training_diagnostic"
    if not facts.step.phase_seconds:
        yield say("no-phases-of-a-step")
    if not facts.factors:
        yield say("no-factors-tried") if tries else say("no-factors-in-a-run")
    if len(facts.path) < 2 and facts.factors:
        yield say("no-way-to-auto")
    if not facts.predictions:
        yield say("nothing-was-predicted")
    if len(facts.points) < 2:
        yield say("trials-train-nothing") if tries else say("too-few-steps")
    elif not facts.validation:
        yield say("no-validation-rows")
    if not facts.memory.peak and not facts.memory.weights:
        yield say("memory-not-measured")
