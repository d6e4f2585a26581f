"""A fine-tuning that trains nothing: its rows, plan and prediction as the record's result."""

import math
from collections.abc import Sequence
from statistics import fmean

from services.worker.computing.batching import target_count
from services.worker.computing.plan.plan import Plan
from services.worker.text.rows import TokenRows
from services.worker.training.foretold import Foretold, predictions_of
from shared.reports.dry_run import DryRun
from shared.reports.training_facts import MemoryParts, TokenCounts
from shared.schemas import FineTuningRequest


def dry_run(
    model: str, request: FineTuningRequest, rows: TokenRows, steps: int, plan: Plan, foretold: Foretold | None
) -> DryRun:
    """`foretold` None: the model could not be tried, so there is no prediction."""
    told = foretold.forecast if foretold else None
    return DryRun(
        model=model,
        steps=steps,
        rows_per_step=min(request.hyperparameters.global_batch_size, len(rows.rows)),
        tokens=token_counts(rows, told.padded_ratio if told else 1.0),
        max_seq_length=request.hyperparameters.max_seq_length,
        plan=plan.as_dict(),
        memory=foretold.memory if foretold else MemoryParts(),
        step_seconds=told.mean_step_seconds if told else None,
        run_seconds=told.run_seconds if told else None,
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
