"""The report of a training whose process died or hung: what its attempts' journals have, without torch."""

from pathlib import Path
from typing import Any

from services.worker.explaining.report import NO_STEP, NO_TOKENS, make_report
from services.worker.explaining.run_steps import RunSteps, drawn, run_steps
from services.worker.failures import FailureCode
from shared.job_folder import JobFolder
from shared.reports.training import Ended, TrainingReport
from shared.reports.training_facts import DeviceFacts, StepSplit, TrainingFacts
from shared.schemas.fields import JobKind
from shared.schemas.records import JobRecord

KINDS: tuple[JobKind, ...] = ("fine_tuning", "training_diagnostic")
CODES = (FailureCode.POISON.value, FailureCode.STALLED.value)


def lost_run_report(record: JobRecord, ended: Ended, folder: JobFolder, *, device: str) -> TrainingReport:
    """Of a job of `KINDS` that failed with one of `CODES`; `device` is the name that the worker tells."""
    steps = run_steps(_journals(folder, record.attempt))
    request = record.request
    facts = TrainingFacts(
        model=str(request.get("model") or request.get("adapter") or ""),
        settings=request.get("settings"),
        total_steps=steps.total_steps,
        made_steps=steps.state().step,
        rows_per_step=(request.get("hyperparameters") or {}).get("global_batch_size") or 0,
        stages={},
        between_seconds=steps.between_seconds,
        between_counts=steps.between_counts,
        tokens=NO_TOKENS,
        device=DeviceFacts(name=device, kind="cpu" if device == "cpu" else "cuda"),
        points=drawn(steps.points),
        validation=tuple(sorted(steps.validation.items())),
        **_timed(steps),
    )
    if record.kind == "fine_tuning":
        return make_report(facts, kind="fine_tuning", ended=ended)
    return make_report(facts, kind="training_diagnostic", ended=ended)


def _timed(steps: RunSteps) -> dict[str, Any]:
    """What the steps took, where there are some."""
    if not steps.points:
        return {"step": NO_STEP}
    split = StepSplit(
        step_seconds=steps.step_seconds, phase_seconds=steps.split(), steps=len(steps.steady), how="timers"
    )
    return {"step": split, "steps_seconds": steps.seconds}


def _journals(folder: JobFolder, attempts: int) -> list[Path]:
    return [folder.attempt(number + 1).journal for number in range(attempts)]
