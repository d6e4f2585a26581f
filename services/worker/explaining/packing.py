"""Rows joined to packs of full length, as `packing` trains them."""

from collections.abc import Sequence
from math import ceil

import numpy as np

from services.worker.text.marked_text import TokenRow
from shared.training_settings.settings import TrainingSettings


def packed(rows: Sequence[TokenRow], length: int) -> list[TokenRow]:
    """All tokens of `rows` end to end, cut every `length` tokens; the last pack may be shorter.

    One pack is computed as one document, across whose rows attention looks, as it does where no kernel for
    rows of several lengths is at hand. That is another curve than separate rows, but it takes the same time.
    """
    ids = np.concatenate([row.ids for row in rows])
    targets = np.concatenate([row.targets for row in rows])
    return [
        TokenRow(ids[first : first + length], targets[first : first + length])
        for first in range(0, len(ids), length)
    ]


def rows_of_a_step(lengths: Sequence[int], settings: TrainingSettings) -> int:
    """Rows of the data set that one update learns from, no more than there are: with packing those of its
    packs, on average.
    """
    if settings.padding != "packing":
        return min(settings.rows_per_step, len(lengths))
    asked = round(settings.rows_per_step * len(lengths) / packs(lengths, settings))
    return min(max(1, asked), len(lengths))


def rows_at_once(lengths: Sequence[int], settings: TrainingSettings) -> int:
    """Of those, the rows of a micro-batch."""
    step = rows_of_a_step(lengths, settings)
    if settings.padding != "packing":
        return min(settings.per_device_train_batch_size, step)
    return max(1, step // settings.gradient_accumulation_steps)


def packs(lengths: Sequence[int], settings: TrainingSettings) -> int:
    """What a run counts its steps over: packs where rows are joined, else rows."""
    if settings.padding != "packing":
        return len(lengths)
    return ceil(sum(lengths) / settings.max_seq_length)
