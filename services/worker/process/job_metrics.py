"""What a job adds to the worker's metrics: its steps, its loads, and how its predictions came true."""

from collections.abc import Mapping
from typing import Any

from services.worker import metrics
from services.worker.training.done_step import DoneStep
from shared.reports.load import LoadReport
from shared.reports.load_facts import LoadFacts, TrialLoad
from shared.reports.stored import read_stored
from shared.reports.training_facts import Prediction


def observe_step(step: DoneStep) -> None:
    metrics.record_step(
        step=step.step,
        total_steps=step.total_steps,
        loss=step.train_loss,
        grad_norm=step.grad_norm,
        learning_rate=step.learning_rate,
        step_seconds=step.step_seconds,
        eta_seconds=step.eta_seconds,
        real_tokens=step.real_tokens,
        computed_tokens=step.computed_tokens,
        phase_seconds=step.phase_seconds,
        between_seconds=step.between_seconds,
        utilization=step.utilization,
    )


def observe_predictions(result: Mapping[str, Any]) -> None:
    """Those of before the first step."""
    for stored in result.get("predictions") or ():
        prediction = read_stored(Prediction, stored)
        if prediction.measured is not None and prediction.when == "start":
            metrics.record_prediction(prediction.quantity, prediction.predicted, prediction.measured)


def observe_diagnosis(diagnosis: LoadReport) -> None:
    """Loads, reading rates, and predictions of remedies that were applied."""
    observe_loads(diagnosis.facts)
    for remedy in diagnosis.applied:
        if remedy.predicted_seconds is not None and remedy.measured_seconds is not None:
            metrics.record_prediction("load_seconds", remedy.predicted_seconds, remedy.measured_seconds)


def observe_loads(facts: LoadFacts) -> None:
    loads: list[tuple[str, TrialLoad, bool]] = [
        (facts.checkpoint.source, run, run.cold_wanted) for run in facts.checkpoint_runs[:1]
    ]
    loads += [("artifact", run, True) for run in facts.prepared[:1]]  # cold, else made warm
    for source, run, staged in loads:
        metrics.record_load(
            source=source, phase_seconds=run.phase_seconds, weight_bytes=run.weight_bytes, staged=staged
        )
    if facts.limit_bytes_per_second is not None:
        metrics.record_read_rate(facts.storage_name, facts.limit_bytes_per_second)
    for target in facts.targets:
        if target.limit_bytes_per_second is not None:
            metrics.record_read_rate(target.name, target.limit_bytes_per_second)
