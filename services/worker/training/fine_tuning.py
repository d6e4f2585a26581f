"""One fine-tuning job, from rows to a published adapter."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from peft import PeftModel

from services.worker.adapters import adapter_folder
from services.worker.adapters.lora import attached, lora_config
from services.worker.adapters.saved_adapter import SavedAdapter, open_adapter
from services.worker.machine.out_of_memory import explain_out_of_memory
from services.worker.models.families.fit import longest_row
from services.worker.models.load import LoadedModel
from services.worker.phase_clock import PhaseClock
from services.worker.running_job import RunningJob
from services.worker.text.dataset_file import DatasetFile
from services.worker.training.account import Bookkeeper, NoBookkeeper
from services.worker.training.causality import require_causal
from services.worker.training.checkpoints import CheckpointFolder
from services.worker.training.disk_space import Patience, when_disk_allows
from services.worker.training.done_step import DoneStep
from services.worker.training.dry_run import dry_run
from services.worker.training.foretold import foretell
from services.worker.training.job_rows import JobRows, RowSource, job_rows
from services.worker.training.run import ready_run
from services.worker.training.run_result import account_of, publish, result_of
from services.worker.training.trained import train_run
from shared.field_values import marked
from shared.job_folder import JobFolder
from shared.messages.message import say
from shared.schemas.requests import FineTuningRequest

SMALL_PLAN = {"tokens_per_micro_batch": 512, "gradient_checkpointing": True}
MEMORY_REMEDY = say("train-with-less-memory", setting=marked(plan=SMALL_PLAN))
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
    job: RunningJob,
    start: Path | None = None,
    observe: Callable[[DoneStep], None] = lambda step: None,
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
    out_of_memory, diverged, disk_full, …) and what `job` raises; after `WorkerDraining` a checkpoint of
    the last whole step exists.
    """
    if (result := adapter_folder.published_result(job_folder)) is not None:
        return result
    request = _within_positions(base, request, job)
    bookkeeper = bookkeeper or NoBookkeeper()
    stages = bookkeeper.stages
    source = RowSource(training, validation, job_folder, attempt, now or datetime.now(UTC))

    def work() -> dict[str, Any]:
        stages.turn("tokenizing")
        rows = job_rows(base, request, source, job, stages)
        stages.turn("set_up")
        begun_with = None if start is None else open_adapter(start, base)
        checkpoints = CheckpointFolder(job_folder, attempt, _fingerprint(base, request, rows, begun_with))
        checkpoints.clear_leftovers()
        with _adapted(base, request, begun_with, stages, job) as adapted:
            run = ready_run(base, request, rows, checkpoints, adapted, job)
            foretold = foretell(run, job, checkpoint_seconds=checkpoint_seconds)
            if request.dry_run:
                return dry_run(run, foretold).model_dump(mode="json")
            trained = train_run(
                run,
                foretold,
                checkpoint_seconds=checkpoint_seconds,
                observe=observe,
                bookkeeper=bookkeeper,
                job=job,
            )
            result = result_of(run, trained)
            with trained.clock.whole("saving"):
                published = when_disk_allows(lambda: publish(run, result, job), job, patience)
            account = account_of(run, trained, foretold)
        bookkeeper.published(account)
        return published

    return explain_out_of_memory(work, base.device, MEMORY_REMEDY)


def _within_positions(base: LoadedModel, request: FineTuningRequest, job: RunningJob) -> FineTuningRequest:
    """The request with rows no longer than the model has positions."""
    hyperparameters = request.hyperparameters
    longest = longest_row(hyperparameters.max_seq_length, base.abilities, job)
    if longest == hyperparameters.max_seq_length:
        return request
    changed = hyperparameters.model_copy(update={"max_seq_length": longest})
    return request.model_copy(update={"hyperparameters": changed})


@contextmanager
def _adapted(
    base: LoadedModel,
    request: FineTuningRequest,
    begun_with: SavedAdapter | None,
    stages: PhaseClock,
    job: RunningJob,
) -> Iterator[PeftModel]:
    """The base with an adapter on it, whose first weights are those of `begun_with` where there is one."""
    job.progress("attaching the adapter")
    stages.turn("lora")
    config = lora_config(request.hyperparameters.lora, base)
    with attached(base, config, seed=request.hyperparameters.seed, stages=stages) as adapted:
        if begun_with is not None:
            begun_with.write_into(adapted, base)
            job.event(say("training-continues-adapter", adapter=str(request.adapter)))
        stages.turn("set_up")
        require_causal(base.model, base.files.name)
        yield adapted


def _fingerprint(
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
