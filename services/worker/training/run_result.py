"""What a run that ended leaves: the record's result, the adapter under its name, the account."""

import shutil
from typing import Any

from services.worker.adapters import adapter_folder
from services.worker.running_job import RunningJob
from services.worker.training.account import RunAccount
from services.worker.training.done_step import finite
from services.worker.training.foretold import Foretold
from services.worker.training.run import Run
from services.worker.training.run_outline import outline_of
from services.worker.training.trained import Trained
from shared.job_folder import ADAPTER
from shared.messages.message import say
from shared.reports.fine_tuning import MeasuredLoss, Training


def result_of(run: Run, trained: Trained) -> dict[str, Any]:
    """What the record says, but for the name of the model."""
    state = trained.state
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
        **run.rows.training.counts.as_result(),
        resumed_from_step=run.resumed.step if run.resumed else None,
        plan=trained.plan.as_dict(),
        predictions=trained.predictions,
        **run.trained_as,
    )
    return training.model_dump(mode="json")


def publish(run: Run, result: dict[str, Any], job: RunningJob) -> dict[str, Any]:
    """Write the adapter aside, ask for leave, give it its name. On any exception nothing half-written is
    left.
    """
    job.progress("publishing")
    checkpoints = run.checkpoints
    names = adapter_folder.folder_names(run.base)
    folders = {name: checkpoints.attempt_folder.adapter_draft(name) for name in names}

    def set_aside(name: str, aside: str) -> None:
        job.event(
            say("place-of-adapter-taken", name=name, aside=aside), level="warn", data={"code": "set_aside"}
        )

    try:
        adapter_folder.write_all(folders, run.adapted, run.base, result)
        job.publish()
        return adapter_folder.publish(folders, checkpoints.job_folder, set_aside)
    finally:
        for folder in folders.values():
            shutil.rmtree(folder, ignore_errors=True)


def account_of(run: Run, trained: Trained, foretold: Foretold | None) -> RunAccount:
    """Takes what the run's clock has counted since the last step."""
    return RunAccount(
        outline=outline_of(run, foretold),
        plan=trained.plan,
        state=trained.state,
        predictions=trained.predictions,
        after_seconds=trained.clock.take(),
    )
