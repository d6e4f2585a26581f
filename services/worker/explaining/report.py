"""The report of a training from its facts: findings, summary, text."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from services.worker.explaining.checks import outcomes, run_checks
from shared.messages.message import Message
from shared.reports.training import Ended, TrainingReport, TrainingSummary
from shared.reports.training_facts import PLAN_AUTO, StepSplit, TokenCounts, TrainingFacts
from shared.reports.training_text import training_text

NO_STEP = StepSplit(step_seconds=0.0, phase_seconds={}, steps=0, how="timers")
NO_TOKENS = TokenCounts(
    rows=0, real_tokens=0, computed_tokens=0, target_tokens=0, mean=0.0, p50=0, p95=0, longest=0
)


def make_report(
    facts: TrainingFacts,
    *,
    kind: Literal["training_diagnostic", "fine_tuning"],
    notes: Sequence[Message] = (),
    ended: Ended | None = None,
    now: datetime | None = None,
) -> TrainingReport:
    """`ended` tells of a job that did not succeed. Where no step was timed there is nothing to check."""
    now = now or datetime.now(UTC)
    findings = run_checks(facts) if facts.step.step_seconds else ()
    report = TrainingReport(
        kind=kind,
        model=facts.model,
        measured_at=now.timestamp(),
        ended=ended,
        summary=_summary(facts),
        findings=findings,
        checks=outcomes(facts, findings) if facts.step.step_seconds else (),
        notes=tuple(notes),
        facts=facts,
        text="",
    )
    return report.model_copy(update={"text": training_text(report)})


def _summary(facts: TrainingFacts) -> TrainingSummary:
    between = sum(facts.between_seconds.values())  # with plan auto no more
    best = next((station for station in facts.path if station.change == PLAN_AUTO), None)
    return TrainingSummary(
        step_seconds=facts.step.step_seconds,
        total_steps=facts.total_steps,
        run_seconds=_steps_seconds(facts) + between,
        best_step_seconds=best.step_seconds if best else None,
        best_run_seconds=best.run_seconds + between if best else None,
        padding_ratio=facts.tokens.padding_ratio,
        peak_memory_bytes=facts.memory.peak,
        final_loss=facts.points[-1].loss if facts.points else None,
    )


def _steps_seconds(facts: TrainingFacts) -> float:
    """Measured where they were all made."""
    if facts.steps_seconds is not None:
        return facts.steps_seconds
    return facts.step.step_seconds * facts.total_steps
