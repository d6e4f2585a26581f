"""A fine-tuning that trains nothing: its rows, plan and prediction as the record's result."""

import math
from collections.abc import Sequence
from statistics import fmean

from services.worker.computing.batching import target_count
from services.worker.text.rows import TokenRows
from services.worker.training.foretold import Foretold
from services.worker.training.predictions import predictions_of
from services.worker.training.run import Run
from shared.reports.dry_run import DryRun
from shared.reports.training_facts import MemoryParts, TokenCounts


def dry_run(run: Run, foretold: Foretold | None) -> DryRun:
    """`foretold` None: the model could not be tried, so there is no prediction."""
    rows, told = run.rows.training, foretold.forecast if foretold else None
    return DryRun(
        model=run.base.files.name,
        steps=run.schedule.total_steps,
        rows_per_step=min(run.hyperparameters.global_batch_size, len(rows.rows)),
        tokens=token_counts(rows, told.padded_ratio if told else 1.0),
        max_seq_length=run.hyperparameters.max_seq_length,
        plan=run.plan.as_dict(),
        memory=foretold.memory if foretold else MemoryParts(),
        step_seconds=told.mean_step_seconds if told else None,
        run_seconds=foretold.run_seconds if foretold else None,
        predictions=predictions_of(foretold, None),
        **rows.counts.as_result(),
    )


def token_counts(rows: TokenRows, padded_ratio: float) -> TokenCounts:
    """Of the whole data set; `padded_ratio` is computed ÷ real tokens."""
    lengths = sorted(map(len, rows.rows))
    return TokenCounts(
        rows=len(lengths),
        real_tokens=sum(lengths),
        computed_tokens=round(sum(lengths) * padded_ratio),
        target_tokens=target_count(rows.rows),
        mean=fmean(lengths),
        p50=_percentile(lengths, 0.5),
        p95=_percentile(lengths, 0.95),
        longest=lengths[-1],
        truncated_rows=rows.truncated,
        lost_tokens=rows.counts.lost_tokens,
        lost_answers=rows.counts.lost_answers,
    )


def _percentile(ordered: Sequence[int], share: float) -> int:
    """The nearest rank."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
