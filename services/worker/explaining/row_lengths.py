"""How many tokens a whole run computes under a way of padding, counted from the lengths of its rows."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import fmean

from services.worker.text.marked_text import TokenRow
from shared.reports.training_facts import TokenCounts
from shared.training_settings.settings import Padding, TrainingSettings

MEGA_BATCHES = 50  # transformers' LengthGroupedSampler sorts within so many batches


@dataclass(frozen=True)
class Computed:
    """Of one epoch: tokens put through the layers, and in how many micro-batches."""

    tokens: int
    micro_batches: int


def computed(lengths: Sequence[int], settings: TrainingSettings, padding: Padding) -> Computed:
    """The order of the rows is drawn with the settings' seed; another order pads about as much."""
    rows, longest = settings.per_device_train_batch_size, settings.max_seq_length
    if padding == "packing":
        packs = ceil(sum(lengths) / longest)
        return Computed(sum(lengths), ceil(packs / rows))
    if padding == "max_length":
        return Computed(len(lengths) * longest, ceil(len(lengths) / rows))
    order = list(lengths)
    random.Random(settings.seed).shuffle(order)
    if padding == "group_by_length":
        order = list(_grouped(order, MEGA_BATCHES * rows * settings.gradient_accumulation_steps))
    batches = [order[first : first + rows] for first in range(0, len(order), rows)]
    return Computed(sum(max(batch) * len(batch) for batch in batches), len(batches))


def token_counts(
    rows: Sequence[TokenRow],
    settings: TrainingSettings,
    *,
    truncated: int,
    lost: int,
    lost_answers: int,
    cut_answers: int = 0,
    answers: int = 0,
) -> TokenCounts:
    """Of the whole data set; raises ValueError without a row."""
    lengths = sorted(map(len, rows))
    return length_counts(
        rows,
        computed_tokens=computed(lengths, settings, settings.padding).tokens,
        truncated=truncated,
        lost=lost,
        lost_answers=lost_answers,
        cut_answers=cut_answers,
        answers=answers,
    )


def length_counts(
    rows: Sequence[TokenRow],
    *,
    computed_tokens: int,
    truncated: int,
    lost: int,
    lost_answers: int,
    cut_answers: int = 0,
    answers: int = 0,
) -> TokenCounts:
    """Likewise, where it is known how many tokens are computed for them."""
    lengths = sorted(map(len, rows))
    return TokenCounts(
        rows=len(rows),
        real_tokens=sum(lengths),
        computed_tokens=computed_tokens,
        target_tokens=sum(int(row.targets.sum()) for row in rows),
        mean=fmean(lengths),
        p50=_percentile(lengths, 0.5),
        p95=_percentile(lengths, 0.95),
        longest=lengths[-1],
        truncated_rows=truncated,
        lost_tokens=lost,
        lost_answers=lost_answers,
        cut_answers=cut_answers,
        answers=answers,
    )


def _grouped(lengths: Sequence[int], at_once: int) -> Iterator[int]:
    for first in range(0, len(lengths), at_once):
        yield from sorted(lengths[first : first + at_once], reverse=True)


def _percentile(ordered: Sequence[int], share: float) -> int:
    """The nearest rank."""
    return ordered[max(0, ceil(share * len(ordered)) - 1)]
