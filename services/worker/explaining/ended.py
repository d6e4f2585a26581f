"""The report of a job that failed or was cancelled: what was done until then, and why it ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Literal

import torch

from services.worker.explaining.device_facts import named_device
from services.worker.explaining.fine_tuned import run_facts, stages_of
from services.worker.explaining.report import NO_STEP, NO_TOKENS, make_report
from services.worker.explaining.run_steps import RunSteps
from services.worker.failures import Failure
from services.worker.machine.machine_watch import MachineSeen
from services.worker.models.load import LoadedModel
from services.worker.training.account import RunAccount, RunOutline
from shared.reports.training import Ended, TrainingReport
from shared.reports.training_facts import (
    Prediction,
    TrainingFacts,
)


@dataclass(frozen=True)
class BegunRun:
    """A run that came as far as its steps, and what was seen of them in its last attempt."""

    base: LoadedModel
    outline: RunOutline
    steps: RunSteps
    peak_bytes: int | None
    seen: MachineSeen


def how_it_ended(failure: Failure | None) -> Ended:
    """`failure` None: it was cancelled."""
    if failure is None:
        return Ended(status="cancelled")
    return Ended(status="failed", code=failure.code.value, message=failure.said, remedy=failure.advice)


def ended_run_report(run: BegunRun, ended: Ended, stage_seconds: Mapping[str, float]) -> TrainingReport:
    """`stage_seconds`, by `Stage` and `UNSEEN`, are of the last attempt. At least one step was made."""
    account = RunAccount(
        outline=run.outline,
        plan=run.outline.plan,
        state=run.steps.state(),
        predictions=_with_what_happened(run),
        after_seconds={},
    )
    facts = run_facts(
        run.base,
        account,
        run.steps,
        stage_seconds=stage_seconds,
        peak_bytes=run.peak_bytes,
        seen=run.seen,
    )
    return make_report(facts, kind="fine_tuning", ended=ended)


def report_without_steps(
    kind: Literal["training_diagnostic", "fine_tuning"],
    model: str,
    device: torch.device,
    ended: Ended,
    stage_seconds: Mapping[str, float],
    *,
    settings: Mapping[str, Any] | None = None,
    outline: RunOutline | None = None,
) -> TrainingReport:
    """Of a job that ended before anything was timed; `outline` if it was known what it was to do."""
    facts = TrainingFacts(
        model=model,
        settings=None if settings is None else dict(settings),
        plan=outline.plan.as_dict() if outline else None,
        total_steps=outline.total_steps if outline else 0,
        made_steps=0,
        rows_per_step=outline.rows_per_step if outline else 0,
        stages=stages_of(stage_seconds),
        wall_seconds=sum(stage_seconds.values()),
        step=NO_STEP,
        between_seconds={},
        tokens=NO_TOKENS,
        device=named_device(device),
        predictions=outline.predictions if outline else (),
        **({"memory": outline.memory} if outline and outline.memory else {}),
    )
    return make_report(facts, kind=kind, ended=ended)


def _with_what_happened(run: BegunRun) -> tuple[Prediction, ...]:
    """A run that was not finished has no length to compare."""
    measured = {
        "step_seconds": fmean(point.seconds for point in run.steps.points),
        "peak_memory_bytes": run.peak_bytes,
    }
    return tuple(
        one.model_copy(update={"measured": measured.get(one.quantity)}) for one in run.outline.predictions
    )
