"""Training: one function, read from top to bottom."""

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import nn
from transformers import PreTrainedModel

from services.worker.computing.batching import Schedule, target_count
from services.worker.computing.forward import Forward, choose_forward
from services.worker.computing.plan.plan import Plan
from services.worker.computing.plan.room import Room
from services.worker.computing.validation import mean_loss
from services.worker.failures import FailureCode, JobFailed
from services.worker.phase_clock import PhaseClock
from services.worker.report import Report, WorkerDraining
from services.worker.text.marked_text import TokenRow
from services.worker.training.checkpoint_keeper import CheckpointKeeper
from services.worker.training.eta import Eta
from services.worker.training.optimizer import (
    all_or_nothing,
    make_optimizer,
    optimizer_state,
    reserve_state,
    set_optimizer_state,
)
from services.worker.training.plan_trials import PlanTrials
from services.worker.training.run_state import RunState
from services.worker.training.schedule import learning_rate
from services.worker.training.step_memory import StepMemory, ValidationMemory
from services.worker.training.step_report import StepReport, finite
from services.worker.training.tick import Tick
from shared.messages.message import say
from shared.schemas import Hyperparameters

BAD_STEPS_ALLOWED = 2


@dataclass(frozen=True)
class Computed:
    """What one step gave: `good` unless its loss or its gradient is no number; tokens as in `StepReport`."""

    loss: float
    grad_norm: float
    good: bool
    real_tokens: int
    computed_tokens: int
    target_tokens: int


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
    report: Report,
    observe: Callable[[StepReport], None] = lambda step: None,
    alarms: Callable[[StepReport], None] = lambda step: None,
    clock: PhaseClock | None = None,
    room: Room | None = None,
    eta: Eta | None = None,
    trials: PlanTrials | None = None,
) -> tuple[RunState, Plan]:
    """Change `parameters` (fp32, those of the adapter that `model` carries) for `schedule.total_steps` steps.

    The loss of a step is the cross-entropy summed over its targets divided by their number, however the
    step is split. Goes on from the keeper's newest checkpoint. A step that runs out of memory is computed
    anew with less at once; `room` tells what should have fitted. The first steps may follow the plans of
    `trials` in turns, and the others the fastest of them. `clock` has afterwards what came after the
    last step. Returns what was done and the plan of the last step. Raises `JobFailed` (diverged, disk_full,
    out_of_memory) and whatever `report` raises; on `WorkerDraining` the state is saved first.
    """
    clock, tick, eta = clock or PhaseClock(device), Tick(report), eta or Eta()
    trials = trials or PlanTrials([], steps=0, report=report)
    optimizer = make_optimizer(parameters, hyperparameters.optim)
    state = RunState()
    if (snapshot := keeper.resumed) is not None:
        state = RunState.of(snapshot.state["run"])
        set_optimizer_state(optimizer, parameters, snapshot.optimizer)
    reserve_state(optimizer, parameters)
    memory = StepMemory(
        plan,
        lambda plan: choose_forward(model, plan, device, clock=clock),
        device=device,
        report=report,
        room=room,
        redraws=hyperparameters.lora.dropout > 0,
    )
    validation_memory = ValidationMemory(memory, device=device, report=report)

    def save(state: RunState) -> None:
        changing = {"run": state.as_dict(), "plan": trials.standing(memory.plan).as_dict()}
        with clock.whole("saving"):
            keeper.save(state.step, optimizer_state(optimizer, parameters), changing)

    def forget_gradients() -> None:
        optimizer.zero_grad(set_to_none=True)

    def compute(step_rows: Sequence[TokenRow], rate: float, forward: Forward) -> Computed:
        """One step's gradients and update. Where memory runs out in it, all of it happens once more."""
        # Data: this step's rows, whatever the plan makes of them.
        with clock.phase("data"):
            targets = target_count(step_rows)
            batches = list(forward.batches(step_rows))
        torch.manual_seed(step_seed(hyperparameters.seed, state.step))

        # Gradients: micro-batches add up to the step's mean over targets.
        step_loss = torch.zeros((), device=device)
        for batch in memory.each(batches):
            with clock.phase("forward"):
                loss_share = forward.loss(batch, 1.0 / targets)
            with clock.phase("backward"):
                loss_share.backward()
            step_loss += loss_share.detach()
            with clock.phase("logging"):
                tick.training()
        forward.step_over()

        # Update, unless the numbers are no longer numbers.
        with clock.phase("optimizer"):
            norm = nn.utils.clip_grad_norm_(parameters.values(), hyperparameters.max_grad_norm)
            loss, grad_norm = step_loss.item(), norm.item()
            good = math.isfinite(loss) and math.isfinite(grad_norm)
            if good:
                for group in optimizer.param_groups:
                    group["lr"] = rate
                with all_or_nothing(optimizer, parameters):
                    optimizer.step()
            forget_gradients()
        return Computed(
            loss=loss,
            grad_norm=grad_norm,
            good=good,
            real_tokens=sum(batch.real_tokens for batch in batches),
            computed_tokens=sum(batch.computed_tokens for batch in batches),
            target_tokens=targets,
        )

    model.train()
    step_seconds = 0.0
    try:
        tick.begin(state.step, schedule.total_steps)
        while True:
            due = schedule.ends_epoch(state.step) and state.step not in dict(state.validation)
            if validation_rows and due:
                if state.step == schedule.total_steps:
                    save(state)
                with clock.whole("validation"):
                    loss = validation_memory.within(
                        state.step,
                        lambda forward: mean_loss(
                            model,
                            validation_rows,
                            plan,
                            device=device,
                            tick=tick.validating,
                            forward=forward,
                            each=validation_memory.each,
                        ),
                    )
                state = replace(state, validation=(*state.validation, (state.step, loss)))
                report.event(
                    say("validation-loss", step=state.step, loss=f"{loss:.4f}"),
                    type="metrics",
                    data={"step": state.step, "validation_loss": loss},
                )
            if state.step == schedule.total_steps:
                break
            between = clock.take(then="rest")

            # The schedule decides rows and rate; the plan, how they are computed.
            memory.follow(trials.next_plan(memory.plan))
            step_rows = [rows[index] for index in schedule.rows_of(state.step)]
            rate = learning_rate(
                state.step,
                peak=hyperparameters.learning_rate,
                total_steps=schedule.total_steps,
                warmup_ratio=hyperparameters.warmup_ratio,
                schedule=hyperparameters.lr_scheduler_type,
            )
            done = memory.within(state.step + 1, partial(compute, step_rows, rate), undo=forget_gradients)

            # Account for it: each of the step's moments is in one phase.
            phases = clock.take(then="other")
            seconds = sum(phases.values())
            step_seconds = seconds if step_seconds == 0.0 else 0.9 * step_seconds + 0.1 * seconds
            state = replace(
                state,
                step=state.step + 1,
                train_loss=finite(done.loss),
                first_train_loss=state.first_train_loss if state.step else finite(done.loss),
                bad_steps=0 if done.good else state.bad_steps + 1,
                real_tokens=state.real_tokens + done.real_tokens,
                computed_tokens=state.computed_tokens + done.computed_tokens,
                target_tokens=state.target_tokens + done.target_tokens,
                seconds=state.seconds + seconds,
            )
            if state.bad_steps > min(BAD_STEPS_ALLOWED, schedule.total_steps - 1):
                raise diverged(state, hyperparameters)
            step_report = StepReport(
                step=state.step,
                total_steps=schedule.total_steps,
                train_loss=done.loss,
                grad_norm=done.grad_norm,
                learning_rate=rate,
                step_seconds=seconds,
                real_tokens=done.real_tokens,
                computed_tokens=done.computed_tokens,
                target_tokens=done.target_tokens,
                eta_seconds=eta.after(state.step, seconds, schedule.total_steps),
                phase_seconds=phases,
                between_seconds=between,
                plan_number=memory.plan_number,
            )
            with clock.phase("reporting"):
                observe(step_report)
                tick.done(step_report)
                alarms(step_report)
            memory.follow(trials.after(step_report, memory.plan))
            if keeper.due(run_seconds=step_seconds * schedule.total_steps):
                save(state)
        save(state)
    except WorkerDraining:
        with suppress(WorkerDraining):  # heard again, with nothing new to say
            save(state)
        raise
    finally:
        memory.close()
    return state, memory.plan


def step_seed(seed: int, step: int) -> int:
    """A seed of its own for every step (`torch.manual_seed` takes 64 bits)."""
    return seed << 32 | step


def diverged(state: RunState, hyperparameters: Hyperparameters) -> JobFailed:
    rate = hyperparameters.learning_rate
    if hyperparameters.lr_scheduler_type == "constant":
        remedy = say("lower-constant-learning-rate", learning_rate=rate)
    else:
        remedy = say("lower-learning-rate", learning_rate=rate, warmup=hyperparameters.warmup_ratio)
    return JobFailed(
        FailureCode.DIVERGED, say("training-diverged", steps=state.bad_steps, step=state.step), remedy
    )
