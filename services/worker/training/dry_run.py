"""A fine-tuning that trains nothing: its rows, plan and prediction as the record's result."""

from services.worker.text.token_counts import token_counts
from services.worker.training.foretold import Foretold
from services.worker.training.predictions import predictions_of
from services.worker.training.run import Run
from shared.reports.dry_run import DryRun
from shared.reports.training_facts import MemoryParts


def dry_run(run: Run, foretold: Foretold | None) -> DryRun:
    """`foretold` None: the model could not be tried, so there is no prediction."""
    rows, told = run.rows.training, foretold.forecast if foretold else None
    padded_ratio = told.padded_ratio if told else 1.0
    return DryRun(
        model=run.base.files.name,
        steps=run.schedule.total_steps,
        rows_per_step=min(run.hyperparameters.global_batch_size, len(rows.rows)),
        tokens=token_counts(rows, computed_tokens=round(rows.tokens * padded_ratio)),
        max_seq_length=run.hyperparameters.max_seq_length,
        plan=run.plan.as_dict(),
        memory=foretold.memory if foretold else MemoryParts(),
        step_seconds=told.mean_step_seconds if told else None,
        run_seconds=foretold.run_seconds if foretold else None,
        predictions=predictions_of(foretold, None),
        **rows.counts.as_result(),
    )
