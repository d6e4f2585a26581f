"""A training's report in one sentence or two: what costs most, and what a step takes without it."""

from shared.messages.message import Message, say
from shared.reports.finding import Finding
from shared.reports.training import Ended, TrainingReport
from shared.reports.training_facts import Factor

BETWEEN_STEPS = ("frequent-validation", "frequent-saving")
"""Findings about what lies between steps: they change the run, and no step."""
WORTH_A_LINE = 1.05  # how many times as fast the plan `auto` must be to be named


def training_verdict(report: TrainingReport) -> Message:
    """The first finding and what becomes of a step without it; of a healthy training, that it is one; of a
    job that failed or was cancelled, how far it came and why it ended.
    """
    if report.ended is not None:
        return _ended(report, report.ended)
    first = report.findings[0] if report.findings else None
    if first is None or first.severity == "info":
        return _healthy(report)
    if first.id in BETWEEN_STEPS:
        return _between(report, first)
    step, then = report.summary.step_seconds, then_seconds(report, first)
    if then is None:
        return say("finding-is-the-verdict", title=first.title)
    if first.id == "padding":
        return say(
            "padding-is-the-verdict",
            empty=str(round(100 * report.facts.tokens.padding_ratio)),
            step_seconds=step, then_seconds=then, learning=_learning(report, "padding"),
        )  # fmt: skip
    if first.id == "recomputation":
        return say(
            "recomputation-is-the-verdict",
            step_seconds=step, then_seconds=then, learning=_learning(report, "gradient_checkpointing"),
        )  # fmt: skip
    if first.id == "fp32-compute":
        return say(
            "fp32-is-the-verdict",
            step_seconds=step, then_seconds=then, learning=_learning(report, "precision"),
        )  # fmt: skip
    return say("finding-with-saving-is-the-verdict", title=first.title, step_seconds=step, then_seconds=then)


def then_seconds(report: TrainingReport, finding: Finding) -> float | None:
    """A step without what was found; None where that is not known, or the time lies between steps."""
    step, saves = report.summary.step_seconds, finding.saves_seconds
    return step - saves if saves and saves < step and finding.id not in BETWEEN_STEPS else None


def run_then_seconds(report: TrainingReport, finding: Finding) -> float | None:
    """The whole run without what was found; None where that is not known."""
    run, saves = report.summary.run_seconds, (finding.saves_seconds or 0.0) * report.summary.total_steps
    return run - saves if 0 < saves < run else None


def _ended(report: TrainingReport, ended: Ended) -> Message:
    made, steps = report.facts.made_steps or 0, report.summary.total_steps
    if ended.status == "cancelled":
        if not made:
            return say("cancelled-early-is-the-verdict")
        return say("cancelled-after-steps-is-the-verdict", made=f"{made:,}", steps=f"{steps:,}")
    message, remedy = ended.message or "", ended.remedy or ""
    if not made:
        return say("failed-early-is-the-verdict", message=message, remedy=remedy)
    return say(
        "failed-after-steps-is-the-verdict",
        made=f"{made:,}", steps=f"{steps:,}", message=message, remedy=remedy,
    )  # fmt: skip


def _between(report: TrainingReport, finding: Finding) -> Message:
    then = run_then_seconds(report, finding)
    if then is None:
        return say("finding-is-the-verdict", title=finding.title)
    return say(
        "finding-between-steps-is-the-verdict",
        title=finding.title,
        run_seconds=report.summary.run_seconds,
        then_run_seconds=then,
    )


def best_way(report: TrainingReport) -> Message | None:
    """What the plan `auto` makes of the whole run, where that is worth a line."""
    summary = report.summary
    step, run = summary.best_step_seconds, summary.best_run_seconds
    if step is None or run is None or step <= 0 or summary.step_seconds / step < WORTH_A_LINE:
        return None
    return say(
        "run-with-auto-row",
        steps=f"{summary.total_steps:,}",
        run_seconds=summary.run_seconds,
        best_run_seconds=run,
    )


def _healthy(report: TrainingReport) -> Message:
    real = str(round(100 * (1 - report.summary.padding_ratio)))
    return say("healthy-training-is-the-verdict", step_seconds=report.summary.step_seconds, real=real)


def _learning(report: TrainingReport, factor: Factor) -> Message:
    same = all(cost.same_learning for cost in report.facts.factors if cost.factor == factor)
    return say("same-learning-piece") if same else say("other-learning-piece")
