"""Training: one function, read from top to bottom."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial

import torch
from torch import nn
from transformers import PreTrainedModel

from services.worker.computing.batching import Schedule
from services.worker.computing.forward import choose_forward
from services.worker.computing.plan.memory_budget import MemoryBudget
from services.worker.computing.plan.plan import Plan
from services.worker.failures import FailureCode, JobFailed
from services.worker.phase_clock import PhaseClock
from services.worker.running_job import RunningJob, WorkerDraining
from services.worker.text.marked_text import TokenRow
from services.worker.training.checkpoint_keeper import CheckpointKeeper
from services.worker.training.done_step import Computed, DoneStep
from services.worker.training.eta import Eta
from services.worker.training.optimizer import (
    make_optimizer,
    optimizer_state,
    reserve_state,
    set_optimizer_state,
)
from services.worker.training.plan_trials import PlanTrials
from services.worker.training.run_state import RunState
from services.worker.training.run_validation import RunValidation
from services.worker.training.schedule import learning_rate
from services.worker.training.step import TrainingStep
from services.worker.training.step_memory import StepMemory
from services.worker.training.tick import Tick
from shared.messages.message import say
from shared.schemas.hyperparameters import Hyperparameters

BAD_STEPS_ALLOWED = 2


def train(
    model: PreTrainedModel,
    parameters: Mapping[str, nn.Parameter],
    rows: list[TokenRow],
    validation_rows: list[TokenRow],
    schedule: Schedule,
    hyperparameters: Hyperparameters,
    plan: Plan,
    *,
    device: torch.device,
    keeper: CheckpointKeeper,
    job: RunningJob,
    observe: Callable[[DoneStep], None] = lambda step: None,
    alarms: Callable[[DoneStep], None] = lambda step: None,
    clock: PhaseClock | None = None,
    budget: MemoryBudget | None = None,
    eta: Eta | None = None,
    trials: PlanTrials | None = None,
) -> tuple[RunState, Plan]:
    """Change `parameters` (fp32, those of the adapter that `model` carries) for `schedule.total_steps` steps.

    The loss of a step is the cross-entropy summed over its targets divided by their number, however the
    step is split. Goes on from the keeper's newest checkpoint. A step that runs out of memory is computed
    anew with less at once; `budget` tells what should have fitted. The first steps may follow the plans of
    `trials` in turns, and the others the fastest of them. `clock` has afterwards what came after the
    last step. Returns what was done and the plan of the last step. Raises `JobFailed` (diverged, disk_full,
    out_of_memory) and whatever `job` raises; on `WorkerDraining` the state is saved first.
    """
    clock, tick, eta = clock or PhaseClock(device), Tick(job), eta or Eta()
    trials = trials or PlanTrials([], steps=0, job=job)
    optimizer, state = _begun(parameters, hyperparameters, keeper)
    total_steps = schedule.total_steps
    memory = StepMemory(
        plan,
        lambda plan: choose_forward(model, plan, device, clock=clock),
        device=device,
        job=job,
        budget=budget,
        redraws=hyperparameters.lora.dropout > 0 and not plan.own_layers,
    )
    step = TrainingStep(parameters, optimizer, hyperparameters, memory, clock, tick, device)
    validation = RunValidation(
        model, validation_rows, schedule, memory, device=device, clock=clock, tick=tick, job=job
    )
    rate_of = partial(
        learning_rate,
        peak=hyperparameters.learning_rate,
        total_steps=total_steps,
        warmup_ratio=hyperparameters.warmup_ratio,
        schedule=hyperparameters.lr_scheduler_type,
    )

    def save(state: RunState) -> None:
        changing = {"run": state.as_dict(), "plan": trials.standing(memory.plan).as_dict()}
        with clock.whole("saving"):
            keeper.save(state.step, optimizer_state(optimizer, parameters), changing)

    def tell(
        state: RunState, done: Computed, rate: float, phases: dict[str, float], between: dict[str, float]
    ) -> DoneStep:
        seconds = sum(phases.values())
        told = DoneStep(
            step=state.step,
            total_steps=total_steps,
            train_loss=done.loss,
            grad_norm=done.grad_norm,
            learning_rate=rate,
            step_seconds=seconds,
            real_tokens=done.real_tokens,
            computed_tokens=done.computed_tokens,
            target_tokens=done.target_tokens,
            eta_seconds=eta.after(state.step, seconds, total_steps),
            phase_seconds=phases,
            between_seconds=between,
            plan_number=memory.plan_number,
        )
        with clock.phase("reporting"):
            observe(told)
            tick.done(told)
            alarms(told)
        return told

    model.train()
    step_seconds = 0.0  # of the last steps, the newest counting most
    try:
        tick.begin(state.step, total_steps)
        while True:
            # After each epoch. The run's end is saved first, so that a validation that fails loses nothing.
            if validation.due(state):
                if state.step == total_steps:
                    save(state)
                state = validation.after(state)
                validation.tell(state)
            if state.step == total_steps:
                break
            between = clock.take(then="rest")

            # The schedule decides rows and rate; the plan, how they are computed.
            memory.follow(trials.next_plan(memory.plan))
            step_rows = [rows[index] for index in schedule.rows_of(state.step)]
            rate = rate_of(state.step)
            done = step.compute(state.step, step_rows, rate)

            # Account for it: each of the step's moments is in one phase.
            phases = clock.take(then="other")
            state = state.after(done, sum(phases.values()))
            if state.bad_steps > min(BAD_STEPS_ALLOWED, total_steps - 1):
                raise diverged(state, hyperparameters)
            told = tell(state, done, rate, phases, between)
            memory.follow(trials.after(told, memory.plan))
            step_seconds = 0.9 * step_seconds + 0.1 * told.step_seconds if step_seconds else told.step_seconds
            if keeper.due(run_seconds=step_seconds * total_steps):
                save(state)
        save(state)
    except WorkerDraining:
        with suppress(WorkerDraining):  # heard again, with nothing new to say
            save(state)
        raise
    finally:
        memory.close()
    return state, memory.plan


def _begun(
    parameters: Mapping[str, nn.Parameter], hyperparameters: Hyperparameters, keeper: CheckpointKeeper
) -> tuple[torch.optim.Optimizer, RunState]:
    """The optimizer with its state, and what was done, both as in the newest checkpoint if there is one."""
    optimizer, state = make_optimizer(parameters, hyperparameters.optim), RunState()
    if (snapshot := keeper.resumed) is not None:
        state = RunState.of(snapshot.state["run"])
        set_optimizer_state(optimizer, parameters, snapshot.optimizer)
    reserve_state(optimizer, parameters)
    return optimizer, state


def diverged(state: RunState, hyperparameters: Hyperparameters) -> JobFailed:
    rate = hyperparameters.learning_rate
    if hyperparameters.lr_scheduler_type == "constant":
        remedy = say("lower-constant-learning-rate", learning_rate=rate)
    else:
        remedy = say("lower-learning-rate", learning_rate=rate, warmup=hyperparameters.warmup_ratio)
    return JobFailed(
        FailureCode.DIVERGED, say("training-diverged", steps=state.bad_steps, step=state.step), remedy
    )
