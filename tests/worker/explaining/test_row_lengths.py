"""Computed tokens of a run, counted from its rows' lengths."""

import numpy as np
import pytest

from services.worker.explaining.row_lengths import computed
from services.worker.text.marked_text import TokenRow
from services.worker.text.row_counts import RowCounts
from services.worker.text.rows import TokenRows
from services.worker.text.token_counts import token_counts
from shared.training_settings.settings import Padding, TrainingSettings

SETTINGS = TrainingSettings(per_device_train_batch_size=2, max_seq_length=100)
LENGTHS = [10, 90, 20, 80]


@pytest.mark.parametrize(
    ("padding", "tokens", "micro_batches"), [("max_length", 400, 2), ("packing", 200, 1)]
)
def test_padding_to_the_maximum_and_packing_don_t_depend_on_the_order(
    padding: Padding, tokens: int, micro_batches: int
) -> None:
    found = computed(LENGTHS, SETTINGS, padding)
    assert (found.tokens, found.micro_batches) == (tokens, micro_batches)


def test_rows_of_like_length_together_pad_least() -> None:
    assert computed(LENGTHS, SETTINGS, "group_by_length").tokens == 2 * 90 + 2 * 20
    assert computed(LENGTHS, SETTINGS, "longest").tokens in (2 * 90 + 2 * 20, 2 * 90 + 2 * 80)


def test_percentiles_are_lengths_that_rows_have() -> None:
    rows = [TokenRow(np.zeros(length, np.int32), np.ones(length, np.bool_)) for length in LENGTHS]
    counts = token_counts(TokenRows(rows, RowCounts()), computed_tokens=400)
    assert (counts.p50, counts.p95, counts.longest, counts.real_tokens) == (20, 90, 90, 200)
    assert counts.padding_ratio == 0.5
