"""The four numbers of a training's report."""

from services.api.page_kit.figure import NONE, Figure
from services.api.page_kit.shares import in_hundred
from shared.messages.message import Message, say
from shared.messages.render import told
from shared.reports.training import TrainingReport
from shared.units import duration, size, span


def key_figures(report: TrainingReport) -> tuple[Figure, ...]:
    """Always four, so that what is missing is seen to be missing."""
    last = _loss(report) if report.kind == "fine_tuning" else _auto(report)
    return (_step(report), _run(report), last, _memory(report))


def _step(report: TrainingReport) -> Figure:
    if not report.summary.step_seconds:
        return _none(say("a-step-figure-label"), say("no-step-timed-row"))
    real = in_hundred(1 - report.summary.padding_ratio)
    note = say("step-figure-row", rows=report.facts.rows_per_step, real=real)
    return Figure(told(say("a-step-figure-label")), duration(report.summary.step_seconds), told(note))


def _run(report: TrainingReport) -> Figure:
    summary, made = report.summary, report.facts.made_steps
    if not summary.step_seconds:
        return _none(say("whole-run-figure-label"), say("no-step-timed-row"))
    steps = (
        say("steps-row", steps=summary.total_steps)
        if made is None
        else say("made-steps-row", made=f"{made:,}", steps=f"{summary.total_steps:,}")
    )
    return Figure(told(say("whole-run-figure-label")), span(summary.run_seconds), told(steps))


def _auto(report: TrainingReport) -> Figure:
    summary, label = report.summary, say("auto-figure-label")
    if summary.best_run_seconds is None or not summary.best_step_seconds:
        return _none(label, say("auto-untried-row"))
    faster = f"{summary.step_seconds / summary.best_step_seconds:.1f}"
    note = say("auto-figure-row", step_seconds=summary.best_step_seconds, times=faster)
    return Figure(told(label), span(summary.best_run_seconds), told(note))


def _loss(report: TrainingReport) -> Figure:
    label, last = say("loss-figure-label"), report.summary.final_loss
    losses = [one.loss for one in report.facts.points if one.loss is not None]
    if last is None:
        return _none(label, say("no-loss-row"))
    if not losses:
        return Figure(told(label), f"{last:.3f}", "")
    return Figure(told(label), f"{last:.3f}", told(say("first-loss-row", first=f"{losses[0]:.3f}")))


def _memory(report: TrainingReport) -> Figure:
    memory, label = report.facts.memory, say("peak-figure-label")
    peak = report.summary.peak_memory_bytes or memory.peak
    if peak is None:
        return _none(label, say("peak-unmeasured-row"))
    note = told(say("of-limit-row", limit_bytes=memory.limit)) if memory.limit else ""
    return Figure(told(label), size(peak), note)


def _none(label: Message, why: Message) -> Figure:
    return Figure(told(label), NONE, told(why))
