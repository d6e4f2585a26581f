"""Our training loop, with the plan that the arm's name says."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from peft import LoraConfig, PeftModel
from safetensors.torch import load_file

from bench.train_arms.job import TrainJob
from bench.train_arms.plans import FALLBACK, plan_of
from bench.train_arms.token_file import TokenFile
from bench.train_arms.turns import Turns
from services.worker.adapters.lora import attached, set_adapter_weights, trained_parameters
from services.worker.computing.batching import Schedule
from services.worker.computing.plan.plan import Plan, baseline_plan, choose_plan
from services.worker.computing.plan.workload import Workload, workload_of
from services.worker.computing.predicting.counted_layers import with_counted
from services.worker.models.hub.model_places import ModelFiles
from services.worker.models.load import LoadedModel
from services.worker.models.residency import Residency
from services.worker.running_job import NoJob
from services.worker.text.marked_text import TokenRow
from services.worker.training.checkpoint_keeper import CheckpointKeeper
from services.worker.training.checkpoints import CheckpointFolder
from services.worker.training.done_step import DoneStep
from services.worker.training.loop import train
from shared.job_folder import JobFolder
from shared.schemas.hyperparameters import Hyperparameters


@dataclass(frozen=True)
class Loaded:
    """The base with the common adapter on it, and the common rows."""

    base: LoadedModel
    adapted: PeftModel
    rows: list[TokenRow]


class NeverDue(CheckpointKeeper):
    """No checkpoints: the other arms save none either."""

    def due(self, run_seconds: float) -> bool:
        return False


def ours(job: TrainJob, turns: Turns) -> None:
    with loaded(job) as ready:
        plan = plan_for(job, ready)
        print(f"{job.arm}: {plan}", flush=True)

        def observe(step: DoneStep) -> None:
            turns.step_done(
                loss=step.train_loss,
                grad_norm=step.grad_norm,
                rows=job.rows_per_step,
                tokens=step.real_tokens,
            )

        keeper = NeverDue(
            CheckpointFolder(JobFolder(Path(job.scratch)), 1, {}),
            ready.adapted,
            resumed=None,
            facts={},
            adapter_config={},
            checkpoint_seconds=float("inf"),
            job=NoJob(),
        )
        turns.ready()
        run(job, ready, plan, keeper, observe)


def run(
    job: TrainJob, ready: Loaded, plan: Plan, keeper: CheckpointKeeper, observe: Callable[[DoneStep], None]
) -> None:
    """The job's steps on the common rows, from the keeper's checkpoint on if it has one."""
    train(
        ready.base.model,
        trained_parameters(ready.adapted),
        ready.rows,
        [],
        schedule(job, len(ready.rows)),
        hyperparameters(job),
        plan,
        device=ready.base.device,
        keeper=keeper,
        job=NoJob(),
        observe=observe,
    )


@contextmanager
def loaded(job: TrainJob) -> Iterator[Loaded]:
    folder = Path(job.model)
    residency = Residency(torch.device(job.device), Path(job.artifacts))
    base, _ = residency.base(ModelFiles(folder.name, None, folder, "folder"), NoJob())
    config = LoraConfig.from_pretrained(job.start)
    config.inference_mode = False
    with attached(base, config, seed=job.seed) as adapted:
        set_adapter_weights(adapted, load_file(Path(job.start) / "adapter_model.safetensors"))
        yield Loaded(base, adapted, token_rows(TokenFile.read(job.rows_path)))


def token_rows(file: TokenFile) -> list[TokenRow]:
    pairs = zip(file.ids, file.targets, strict=True)
    return [TokenRow(np.array(ids, dtype=np.int32), np.array(targets)) for ids, targets in pairs]


def plan_for(job: TrainJob, ready: Loaded) -> Plan:
    model, device = ready.base.model, ready.base.device
    workload = workload_of(model, ready.rows, dropout=0.0, rows_per_step=job.rows_per_step)
    if job.arm == FALLBACK:
        workload = without_own_layers(workload, job.rows_per_step)
    auto = choose_plan(
        "auto",
        config=model.config.get_text_config(),
        max_seq_length=job.max_seq_length,
        device=device,
        workload=with_counted(workload, model, trained_parameters(ready.adapted), device),
    )
    return plan_of(job.arm, baseline_plan(job.max_seq_length), auto)


def without_own_layers(workload: Workload, rows_per_step: int) -> Workload:
    """Of the same rows, for a model that no description fits: a row's shared beginning is its own."""
    mean_row = (workload.mean_row or 0) + workload.shared_prefix_tokens
    return replace(
        workload,
        own_layers=False,
        shared_prefix_tokens=0,
        mean_row=mean_row,
        step_tokens=mean_row * rows_per_step,
    )


def schedule(job: TrainJob, rows: int) -> Schedule:
    """Its order is the one that the rows' file has for the other arms."""
    return Schedule(rows, job.rows_per_step, job.seed, job.total_steps)


def hyperparameters(job: TrainJob) -> Hyperparameters:
    return Hyperparameters(
        learning_rate=job.learning_rate,
        warmup_ratio=0.0,
        max_seq_length=job.max_seq_length,
        seed=job.seed,
        max_steps=job.total_steps,
        global_batch_size=job.rows_per_step,
    )
