"""How long the rows of a data set are in tokens, and what was cut of them, as reports have it."""

import math
from collections.abc import Sequence
from statistics import fmean

from services.worker.text.rows import TokenRows
from shared.reports.training_facts import TokenCounts


def token_counts(rows: TokenRows, *, computed_tokens: int) -> TokenCounts:
    """Of the whole data set, for which `computed_tokens` are put through the layers. Raises ValueError
    without a row.
    """
    lengths, counts = sorted(map(len, rows.rows)), rows.counts
    return TokenCounts(
        rows=len(lengths),
        real_tokens=sum(lengths),
        computed_tokens=computed_tokens,
        target_tokens=sum(int(row.targets.sum()) for row in rows.rows),
        mean=fmean(lengths),
        p50=_percentile(lengths, 0.5),
        p95=_percentile(lengths, 0.95),
        longest=lengths[-1],
        truncated_rows=counts.truncated,
        lost_tokens=counts.lost_tokens,
        lost_answers=counts.lost_answers,
        cut_answers=counts.cut_answers,
        answers=counts.answers,
    )


def _percentile(ordered: Sequence[int], share: float) -> int:
    """The nearest rank."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
