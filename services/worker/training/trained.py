"""The steps of a run, made by the loop under all that watches them, and what they came to."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from services.worker.adapters import adapter_folder
from services.worker.computing.plan.plan import Plan
from services.worker.computing.plan.utilization import Utilization
from services.worker.machine.card_watch import look_at
from services.worker.phase_clock import PhaseClock
from services.worker.running_job import RunningJob
from services.worker.training.account import Bookkeeper
from services.worker.training.checkpoint_keeper import CheckpointKeeper
from services.worker.training.done_step import DoneStep
from services.worker.training.eta import Eta
from services.worker.training.foretold import Foretold
from services.worker.training.loop import train
from services.worker.training.predictions import predictions_of
from services.worker.training.run import Run
from services.worker.training.run_alarms import RunAlarms
from services.worker.training.run_outline import outline_of
from services.worker.training.run_plan import plan_trials
from services.worker.training.run_state import RunState
from services.worker.training.run_watch import RunWatch
from shared.reports.training_facts import Prediction


@dataclass(frozen=True)
class Trained:
    """`state` is of the whole run, over all attempts; `plan` that of the last step. `clock` has gone on since
    that step.
    """

    state: RunState
    plan: Plan
    predictions: tuple[Prediction, ...]
    clock: PhaseClock


def train_run(
    run: Run,
    foretold: Foretold | None,
    *,
    checkpoint_seconds: float,
    observe: Callable[[DoneStep], None],
    bookkeeper: Bookkeeper,
    job: RunningJob,
) -> Trained:
    """All steps that are left of `run`, whose parameters are changed. Raises as `train` does."""
    device = run.base.device
    keeper = CheckpointKeeper(
        run.checkpoints,
        run.adapted,
        resumed=run.resumed,
        facts={"trained_as": run.trained_as},
        adapter_config=adapter_folder.adapter_config(run.adapted, run.base),
        checkpoint_seconds=checkpoint_seconds,
        job=job,
    )
    observe = _with_utilization(observe, run)  # measures the device: before the clocks begin
    eta, watch, clock = Eta(foretold), RunWatch(device, run.resumed), PhaseClock(device)
    bookkeeper.steps_begin(outline_of(run, foretold))
    bookkeeper.stages.turn("training")
    state, plan = train(
        run.base.model,
        run.parameters,
        run.rows.training.rows,
        run.validation_rows,
        run.schedule,
        run.hyperparameters,
        run.plan,
        device=device,
        keeper=keeper,
        job=job,
        observe=watch.watching(observe),
        alarms=RunAlarms(
            job,
            look_at(device),
            predicted_seconds=foretold.forecast.mean_step_seconds if foretold else None,
        ),
        budget=run.budget,
        eta=eta,
        trials=plan_trials(run.plan, run.budget, run.schedule, run.resumed, job),
        clock=clock,
    )
    happened = watch.happened(state, clock.so_far())
    predictions = predictions_of(foretold, happened, early_run_seconds=eta.early_run_seconds)
    return Trained(state, plan, predictions, clock)


def _with_utilization(observe: Callable[[DoneStep], None], run: Run) -> Callable[[DoneStep], None]:
    """`observe`, told of each step how much of the device it used, where that can be known."""
    utilization = Utilization.of(
        run.base.model,
        adapter_parameters=run.adapter_parameters,
        rows_per_step=run.hyperparameters.global_batch_size,
        device=run.base.device,
    )
    if utilization is None:
        return observe
    return lambda step: observe(replace(step, utilization=utilization.ratio(step)))
