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
    """Rows of the data set that one update learns from: with packing those of its packs, on average."""
    if settings.padding != "packing":
        return settings.rows_per_step
    return max(1, round(settings.rows_per_step * len(lengths) / packs(lengths, settings)))


def packs(lengths: Sequence[int], settings: TrainingSettings) -> int:
    """What a run counts its steps over: packs where rows are joined, else rows."""
    if settings.padding != "packing":
        return len(lengths)
    return ceil(sum(lengths) / settings.max_seq_length)
