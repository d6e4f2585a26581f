"""One job's run, ready for its next step: rows, adapter, schedule and plan."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from peft import PeftModel
from torch import nn

from services.worker.adapters.lora import left_out, set_adapter_weights, trained_parameters
from services.worker.computing.batching import Schedule
from services.worker.computing.plan.memory_budget import MemoryBudget
from services.worker.computing.plan.plan import Plan
from services.worker.computing.plan.precision import note_on_bf16
from services.worker.models.load import LoadedModel
from services.worker.running_job import RunningJob
from services.worker.text.marked_text import TokenRow
from services.worker.training.checkpoints import CheckpointFolder, Snapshot
from services.worker.training.job_rows import JobRows
from services.worker.training.run_plan import plan_for
from shared.messages.message import say
from shared.schemas.hyperparameters import Hyperparameters
from shared.schemas.requests import FineTuningRequest


@dataclass(frozen=True)
class Run:
    """`adapted` is the base's model with the adapter, whose trained weights are `parameters`, fp32 by name;
    they are those of `resumed`, the checkpoint that the run goes on from, where there is one. `budget` is the
    memory that `plan` was chosen for.
    """

    base: LoadedModel
    request: FineTuningRequest
    rows: JobRows
    checkpoints: CheckpointFolder
    adapted: PeftModel
    parameters: Mapping[str, nn.Parameter]
    resumed: Snapshot | None
    schedule: Schedule
    plan: Plan
    budget: MemoryBudget

    @property
    def hyperparameters(self) -> Hyperparameters:
        return self.request.hyperparameters

    @property
    def validation_rows(self) -> list[TokenRow]:
        return self.rows.validation.rows if self.rows.validation else []

    @property
    def adapter_parameters(self) -> int:
        """How many numbers are trained."""
        return sum(parameter.numel() for parameter in self.parameters.values())

    @property
    def trained_as(self) -> dict[str, Any]:
        """What an evaluation of the adapter needs to ask the same question."""
        rules, prompt = self.rows.rules, self.rows.rules.prompt
        return {
            "format": rules.format,
            "instruction": prompt.instruction if prompt else None,
            "labels": list(prompt.labels) if prompt else None,
            "thinking": rules.thinking,
            "max_seq_length": self.hyperparameters.max_seq_length,
        }


def ready_run(
    base: LoadedModel,
    request: FineTuningRequest,
    rows: JobRows,
    checkpoints: CheckpointFolder,
    adapted: PeftModel,
    job: RunningJob,
) -> Run:
    """From the newest checkpoint that verifies and fits. Whatever is left out, rejected, changed or computed
    otherwise is told, and so is the plan.
    """
    _tell_what_is_left_out(base, request, job)
    resumed = _resume(checkpoints, adapted, job)
    job.progress("planning the steps")
    plan, budget = plan_for(base, request, rows, resumed, job)
    job.event(plan.described(), data=plan.told())
    _tell_about_arithmetic(base.device, job)
    return Run(
        base=base,
        request=request,
        rows=rows,
        checkpoints=checkpoints,
        adapted=adapted,
        parameters=trained_parameters(adapted),
        resumed=resumed,
        schedule=_schedule(request.hyperparameters, rows),
        plan=plan,
        budget=budget,
    )


def _schedule(hyperparameters: Hyperparameters, rows: JobRows) -> Schedule:
    return Schedule.of(
        len(rows.training.rows),
        rows_per_step=hyperparameters.global_batch_size,
        seed=hyperparameters.seed,
        n_epochs=hyperparameters.n_epochs,
        max_steps=hyperparameters.max_steps,
    )


def _resume(checkpoints: CheckpointFolder, adapted: PeftModel, job: RunningJob) -> Snapshot | None:
    """The newest usable checkpoint, its weights already in the adapter."""
    snapshot, rejected = checkpoints.newest()
    if rejected:
        job.event(
            say("checkpoints-rejected", reasons=rejected, step=snapshot.step if snapshot else 0),
            level="warn",
            data={
                "code": "resume_rejected",
                "reasons": [reason.model_dump(mode="json") for reason in rejected],
            },
        )
    if snapshot is not None:
        set_adapter_weights(adapted, snapshot.adapter)
        job.event(say("resumed", step=snapshot.step), data={"step": snapshot.step})
        job.checkpoint(snapshot.step)  # the attempt that wrote it may have died before it could tell
    return snapshot


def _tell_what_is_left_out(base: LoadedModel, request: FineTuningRequest, job: RunningJob) -> None:
    names = left_out(base) if request.hyperparameters.lora.target_modules == "all-linear" else []
    if names:
        job.event(
            say("layers-left-out", layers=names),
            level="warn",
            data={"code": "layers_left_out", "layers": list(names)},
        )


def _tell_about_arithmetic(device: torch.device, job: RunningJob) -> None:
    if device.type == "cuda" and (note := note_on_bf16(torch.cuda.get_device_capability(device))):
        job.event(
            say("bf16-emulated", device=torch.cuda.get_device_name(device), compute_capability=note),
            level="warn",
            data={"code": "bf16_emulated"},
        )
