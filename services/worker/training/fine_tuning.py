"""One fine-tuning job, from rows to a published adapter."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from peft import PeftModel

from services.worker.adapters import adapter_folder
from services.worker.adapters.lora import (
    attached,
    left_out,
    lora_config,
    set_adapter_weights,
    trained_parameters,
)
from services.worker.adapters.saved_adapter import SavedAdapter, open_adapter
from services.worker.computing.batching import Schedule
from services.worker.computing.plan.levers import levers_for
from services.worker.computing.plan.plan import Plan, choose_plan
from services.worker.computing.plan.precision import note_on_bf16
from services.worker.computing.plan.resumed_plan import resumed_plan
from services.worker.computing.plan.room import Room, find_room
from services.worker.computing.plan.utilization import Utilization
from services.worker.computing.predicting.counted_layers import with_counted
from services.worker.machine.card_watch import look_at
from services.worker.machine.out_of_memory import explain_out_of_memory
from services.worker.models.families.fit import longest_row
from services.worker.models.load import LoadedModel
from services.worker.phase_clock import PhaseClock
from services.worker.report import Report
from services.worker.text.dataset_file import DatasetFile
from services.worker.training.account import Bookkeeper, NoBookkeeper, RunAccount
from services.worker.training.causality import require_causal
from services.worker.training.checkpoint_keeper import CheckpointKeeper
from services.worker.training.checkpoints import CheckpointFolder, Snapshot
from services.worker.training.disk_space import Patience, when_disk_allows
from services.worker.training.dry_run import dry_run
from services.worker.training.eta import Eta
from services.worker.training.foretold import RunWatch, foretell, predictions_of
from services.worker.training.job_rows import JobRows, RowSource, job_rows
from services.worker.training.loop import train
from services.worker.training.plan_trials import PlanTrials
from services.worker.training.run_alarms import RunAlarms
from services.worker.training.run_state import RunState
from services.worker.training.step_report import StepReport, finite
from shared.job_folder import ADAPTER, JobFolder
from shared.messages.message import say
from shared.reports.fine_tuning import MeasuredLoss, Training
from shared.reports.training_facts import Prediction
from shared.schemas import FineTuningRequest

MEMORY_REMEDY = say("train-with-less-memory")
PATIENCE = Patience()


def fine_tune(
    base: LoadedModel,
    request: FineTuningRequest,
    *,
    training: DatasetFile,
    validation: DatasetFile | None,
    job_folder: JobFolder,
    attempt: int,
    checkpoint_seconds: float,
    report: Report,
    start: Path | None = None,
    observe: Callable[[StepReport], None] = lambda step: None,
    patience: Patience = PATIENCE,
    now: datetime | None = None,
    bookkeeper: Bookkeeper | None = None,
) -> dict[str, Any]:
    """Train an adapter and publish it in `job_folder`; returns the record's result.

    A dry run goes as far as the first step, and returns what the run would take.
    `now` is the date that a chat template may write: the job's, so that every attempt writes the same.

    The first weights are those of the adapter in the folder `start`, else drawn from the seed. If an earlier
    attempt published it already, only the result is returned. Otherwise the run goes on from the newest
    checkpoint that verifies and fits, and `bookkeeper` sees what it takes. The base is afterwards what it
    was before, however this ends. Raises `JobFailed` (dataset_invalid, target_modules_unknown,
    out_of_memory, diverged, disk_full, …) and what `report` raises; after `WorkerDraining` a checkpoint of
    the last whole step exists.
    """
    if (result := adapter_folder.published_result(job_folder)) is not None:
        return result
    request = within_positions(base, request, report)
    bookkeeper = bookkeeper or NoBookkeeper()
    stages = bookkeeper.stages

    def work() -> dict[str, Any]:
        stages.turn("tokenizing")
        source = RowSource(training, validation, job_folder, attempt, now or datetime.now(UTC))
        rows = job_rows(base, request, source, report, stages)
        stages.turn("set_up")
        begun_with = None if start is None else open_adapter(start, base)
        checkpoints = CheckpointFolder(job_folder, attempt, fingerprint(base, request, rows, begun_with))
        checkpoints.clear_leftovers()
        seed = request.hyperparameters.seed
        report.progress("attaching the adapter")
        stages.turn("lora")
        config = lora_config(request.hyperparameters.lora, base)
        with attached(base, config, seed=seed, stages=stages) as adapted:
            begin(adapted, base, request, begun_with, report)
            stages.turn("set_up")
            require_causal(base.model, base.files.name)
            tell_what_is_left_out(base, request, report)
            snapshot = resume(checkpoints, adapted, report)
            report.progress("planning the steps")
            plan, room = plan_for(base, request, rows, snapshot, report)
            report.event(plan.described(), data={"plan": plan.as_dict()})
            tell_about_arithmetic(base.device, report)
            schedule, parameters = schedule_of(request, rows), trained_parameters(adapted)
            foretold = foretell(
                base,
                plan,
                rows,
                schedule,
                parameters,
                request.hyperparameters,
                first=snapshot.step if snapshot else 0,
                report=report,
            )
            if request.dry_run:
                told = dry_run(base.files.name, request, rows.training, schedule.total_steps, plan, foretold)
                return told.model_dump(mode="json")
            keeper = CheckpointKeeper(
                checkpoints,
                adapted,
                resumed=snapshot,
                facts={"trained_as": trained_as(request, rows)},
                adapter_config=adapter_folder.adapter_config(adapted, base),
                checkpoint_seconds=checkpoint_seconds,
                report=report,
            )
            eta = Eta(foretold.forecast if foretold else None)
            watch = RunWatch(base.device, keeper.resumed)
            seeing, clock = with_utilization(observe, base, adapted, request), PhaseClock(base.device)
            bookkeeper.steps_begin()
            stages.turn("training")
            state, plan = train(
                base.model,
                parameters,
                rows.training.rows,
                rows.validation.rows if rows.validation else [],
                schedule,
                request.hyperparameters,
                plan,
                device=base.device,
                keeper=keeper,
                report=report,
                observe=seeing,
                alarms=RunAlarms(
                    report,
                    look_at(base.device),
                    predicted_seconds=foretold.forecast.mean_step_seconds if foretold else None,
                ),
                room=room,
                eta=eta,
                trials=plan_trials(plan, room, schedule, snapshot, report),
                clock=clock,
            )
            predictions = predictions_of(
                foretold, watch.happened(state), early_run_seconds=eta.early_run_seconds
            )
            result = result_of(request, rows, plan, state, resumed=snapshot, predictions=predictions)
            with clock.whole("saving"):
                published = when_disk_allows(
                    lambda: publish(base, adapted, result, checkpoints, report), report, patience
                )
            done = RunAccount(
                plan=plan,
                rows=rows.training,
                validation_rows=len(rows.validation.rows) if rows.validation else 0,
                state=state,
                total_steps=schedule.total_steps,
                rows_per_step=min(schedule.rows_per_step, schedule.rows),
                adapter_parameters=sum(part.numel() for part in parameters.values()),
                predictions=predictions,
                memory=foretold.memory if foretold else None,
                after_seconds=clock.take(),
            )
        bookkeeper.published(done)
        return published

    return explain_out_of_memory(work, base.device, MEMORY_REMEDY)


def tell_what_is_left_out(base: LoadedModel, request: FineTuningRequest, report: Report) -> None:
    names = left_out(base) if request.hyperparameters.lora.target_modules == "all-linear" else []
    if names:
        report.event(
            say("layers-left-out", layers=names),
            level="warn",
            data={"code": "layers_left_out", "layers": list(names)},
        )


def within_positions(base: LoadedModel, request: FineTuningRequest, report: Report) -> FineTuningRequest:
    """The request with rows no longer than the model has positions."""
    hyperparameters = request.hyperparameters
    longest = longest_row(hyperparameters.max_seq_length, base.abilities, report)
    if longest == hyperparameters.max_seq_length:
        return request
    changed = hyperparameters.model_copy(update={"max_seq_length": longest})
    return request.model_copy(update={"hyperparameters": changed})


def schedule_of(request: FineTuningRequest, rows: JobRows) -> Schedule:
    hyperparameters = request.hyperparameters
    return Schedule.of(
        len(rows.training.rows),
        rows_per_step=hyperparameters.global_batch_size,
        seed=hyperparameters.seed,
        n_epochs=hyperparameters.n_epochs,
        max_steps=hyperparameters.max_steps,
    )


def fingerprint(
    base: LoadedModel, request: FineTuningRequest, rows: JobRows, begun_with: SavedAdapter | None
) -> dict[str, Any]:
    """All that decides what a step computes, but not how fast: a checkpoint is good for no other run."""
    start = {} if begun_with is None else {"start_sha256": begun_with.sha256}
    learned = request.hyperparameters.model_dump(mode="json")
    for name, first in (("lr_scheduler_type", "cosine"), ("optim", "adamw")):
        if learned[name] == first:  # checkpoints of when there was no other don't name it
            del learned[name]
    return {
        "base": adapter_folder.base_facts(base),
        "training_rows_sha256": rows.training.sha256(),
        "hyperparameters": learned,
        **start,
    }


def begin(
    adapted: PeftModel,
    base: LoadedModel,
    request: FineTuningRequest,
    begun_with: SavedAdapter | None,
    report: Report,
) -> None:
    """The first weights, where they are those of an earlier adapter."""
    if begun_with is not None:
        begun_with.write_into(adapted, base)
        report.event(say("training-continues-adapter", adapter=str(request.adapter)))


def resume(checkpoints: CheckpointFolder, adapted: PeftModel, report: Report) -> Snapshot | None:
    """The newest usable checkpoint, its weights already in the adapter."""
    snapshot, rejected = checkpoints.newest()
    if rejected:
        report.event(
            say("checkpoints-rejected", reasons=rejected, step=snapshot.step if snapshot else 0),
            level="warn",
            data={
                "code": "resume_rejected",
                "reasons": [reason.model_dump(mode="json") for reason in rejected],
            },
        )
    if snapshot is not None:
        set_adapter_weights(adapted, snapshot.adapter)
        report.event(say("resumed", step=snapshot.step), data={"step": snapshot.step})
    return snapshot


def plan_for(
    base: LoadedModel, request: FineTuningRequest, rows: JobRows, snapshot: Snapshot | None, report: Report
) -> tuple[Plan, Room]:
    """A resumed run keeps its plan where it can: another split of a step would round otherwise."""
    hyperparameters = request.hyperparameters
    levers = levers_for(
        base.model,
        rows.training.rows,
        dropout=hyperparameters.lora.dropout,
        rows_per_step=hyperparameters.global_batch_size,
    )
    trained = {name: part for name, part in base.model.named_parameters() if part.requires_grad}
    levers = with_counted(levers, base.model, trained, base.device)
    config, longest = base.model.config.get_text_config(), hyperparameters.max_seq_length
    room = find_room(config, max_seq_length=longest, device=base.device, levers=levers)
    fresh = choose_plan(
        request.plan, config=config, max_seq_length=longest, device=base.device, levers=levers
    )
    if snapshot is None:
        return fresh, room
    plan, reason = resumed_plan(snapshot.state.get("plan"), fresh, room)
    if reason:
        report.event(
            say("plan-changed", reason=reason),
            level="warn",
            data={"code": "plan_changed", "reason": reason.model_dump(mode="json")},
        )
    return plan, room


def plan_trials(
    plan: Plan, room: Room, schedule: Schedule, snapshot: Snapshot | None, report: Report
) -> PlanTrials:
    """Of what was chosen by an estimate; a run that goes on has a plan already."""
    if plan.name != "auto" or snapshot is not None:
        return PlanTrials([], steps=0, report=report)
    plans = [
        replace(
            plan,
            tokens_per_micro_batch=tokens,
            gradient_checkpointing=every is not None,
            recompute_every=every or 1,
        )
        for tokens, every in room.close_choices()
    ]
    return PlanTrials.of(plans, schedule.total_steps, report)


def with_utilization(
    observe: Callable[[StepReport], None], base: LoadedModel, adapted: PeftModel, request: FineTuningRequest
) -> Callable[[StepReport], None]:
    """`observe`, told of each step how much of the device it used, where that can be known."""
    utilization = Utilization.of(
        base.model,
        adapter_parameters=sum(part.numel() for part in trained_parameters(adapted).values()),
        rows_per_step=request.hyperparameters.global_batch_size,
        device=base.device,
    )
    if utilization is None:
        return observe
    return lambda step: observe(replace(step, utilization=utilization.ratio(step)))


def tell_about_arithmetic(device: torch.device, report: Report) -> None:
    if device.type == "cuda" and (note := note_on_bf16(torch.cuda.get_device_capability(device))):
        report.event(
            say("bf16-emulated", device=torch.cuda.get_device_name(device), compute_capability=note),
            level="warn",
            data={"code": "bf16_emulated"},
        )


def result_of(
    request: FineTuningRequest,
    rows: JobRows,
    plan: Plan,
    state: RunState,
    *,
    resumed: Snapshot | None,
    predictions: tuple[Prediction, ...] = (),
) -> dict[str, Any]:
    """What the record says, but for the name of the model."""
    measured = tuple(MeasuredLoss(step=step, loss=finite(loss)) for step, loss in state.validation)
    training = Training(
        adapter=ADAPTER,
        steps=state.step,
        train_loss=state.train_loss,
        first_train_loss=state.first_train_loss,
        validation_loss=measured[-1].loss if measured else None,
        validation=measured,
        training_seconds=state.seconds,
        trained_tokens=state.real_tokens,
        computed_tokens=state.computed_tokens,
        target_tokens=state.target_tokens,
        **rows.training.counts.as_result(),
        resumed_from_step=resumed.step if resumed else None,
        plan=plan.as_dict(),
        predictions=predictions,
        **trained_as(request, rows),
    )
    return training.model_dump(mode="json")


def trained_as(request: FineTuningRequest, rows: JobRows) -> dict[str, Any]:
    """What an evaluation of the adapter needs to ask the same question."""
    prompt = rows.rules.prompt
    return {
        "format": rows.rules.format,
        "instruction": prompt.instruction if prompt else None,
        "labels": list(prompt.labels) if prompt else None,
        "thinking": rows.rules.thinking,
        "max_seq_length": request.hyperparameters.max_seq_length,
    }


def publish(
    base: LoadedModel,
    adapted: PeftModel,
    result: dict[str, Any],
    checkpoints: CheckpointFolder,
    report: Report,
) -> dict[str, Any]:
    """Write the adapter aside, ask for leave, give it its name. On any exception nothing half-written is
    left.
    """
    report.progress("publishing")
    names = adapter_folder.folder_names(base)
    folders = {name: checkpoints.attempt_folder.adapter_draft(name) for name in names}
    try:
        adapter_folder.write_all(folders, adapted, base, result)
        report.publish()
        return adapter_folder.publish(folders, checkpoints.job_folder)
    finally:
        for folder in folders.values():
            shutil.rmtree(folder, ignore_errors=True)
