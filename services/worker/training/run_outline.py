"""What is known of a run before its first step."""

from services.worker.training.account import RunOutline
from services.worker.training.foretold import Foretold
from services.worker.training.predictions import predictions_of
from services.worker.training.run import Run


def outline_of(run: Run, foretold: Foretold | None) -> RunOutline:
    return RunOutline(
        plan=run.plan,
        rows=run.rows.training,
        validation_rows=len(run.validation_rows),
        total_steps=run.schedule.total_steps,
        rows_per_step=min(run.schedule.rows_per_step, run.schedule.rows),
        adapter_parameters=run.adapter_parameters,
        predictions=predictions_of(foretold, None),
        memory=foretold.memory if foretold else None,
    )
