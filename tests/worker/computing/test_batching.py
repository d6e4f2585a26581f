"""Which rows make a step, and how it is split."""

from dataclasses import replace
from itertools import pairwise
from typing import Literal

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from services.worker.computing.batching import Schedule, micro_batches, packed_batches, target_count
from services.worker.computing.plan.activations import PREFIX_COPIES
from services.worker.computing.plan.plan import Plan, baseline_plan
from services.worker.text.marked_text import TokenRow

CPU = torch.device("cpu")
on_a_busy_machine = settings(deadline=None)


def row(length: int, first: int = 1) -> TokenRow:
    targets = np.zeros(length, dtype=np.bool_)
    targets[length // 2 :] = True
    targets[0] = False
    return TokenRow(np.arange(first, first + length, dtype=np.int32), targets)


def budget(tokens: int) -> Plan:
    return Plan("explicit", tokens, gradient_checkpointing=False)


@on_a_busy_machine
@given(rows=st.integers(1, 60), size=st.integers(1, 20), seed=st.integers(0, 5), epochs=st.integers(1, 3))
def test_each_epoch_visits_every_row_once(rows: int, size: int, seed: int, epochs: int) -> None:
    schedule = Schedule.of(rows, rows_per_step=size, seed=seed, n_epochs=epochs, max_steps=None)
    per_epoch = -(-rows // size)
    assert schedule.total_steps == epochs * per_epoch
    for epoch in range(epochs):
        visited = [row for step in range(per_epoch) for row in schedule.rows_of(epoch * per_epoch + step)]
        assert sorted(visited) == list(range(rows))


def test_epochs_differ_in_order_and_a_seed_repeats_it() -> None:
    def order(seed: int) -> list[tuple[int, ...]]:
        schedule = Schedule.of(50, rows_per_step=50, seed=seed, n_epochs=2, max_steps=None)
        return [schedule.rows_of(0), schedule.rows_of(1)]

    assert order(1) == order(1)
    assert len({*order(1), *order(2)}) == 4


def test_the_order_is_the_documented_one() -> None:
    """Fixed numbers: a change would make every unfinished run start again."""
    schedule = Schedule.of(8, rows_per_step=8, seed=42, n_epochs=1, max_steps=None)
    assert schedule.rows_of(0) == (0, 6, 1, 5, 3, 7, 2, 4)


def test_max_steps_decides_alone() -> None:
    assert Schedule.of(10, rows_per_step=4, seed=0, n_epochs=1, max_steps=2).total_steps == 2
    longer = Schedule.of(10, rows_per_step=4, seed=0, n_epochs=1, max_steps=7)
    assert longer.total_steps == 7
    assert len(longer.rows_of(6)) == 4  # the first step of the third epoch


def test_an_epoch_ends_after_its_last_step_and_with_the_run() -> None:
    schedule = Schedule.of(10, rows_per_step=4, seed=0, n_epochs=1, max_steps=7)
    assert [step for step in range(8) if schedule.ends_epoch(step)] == [3, 6, 7]


@on_a_busy_machine
@given(lengths=st.lists(st.integers(2, 50), min_size=1, max_size=30), tokens=st.integers(2, 200))
def test_micro_batches_hold_every_row_once_within_the_budget(lengths: list[int], tokens: int) -> None:
    rows = [row(length, first=1000 * index + 1) for index, length in enumerate(lengths)]
    batches = list(micro_batches(rows, budget(tokens), CPU))
    firsts = sorted(int(first) for batch in batches for first in batch.ids[:, 0])
    assert firsts == [1000 * index + 1 for index in range(len(rows))]
    assert all(batch.computed_tokens <= tokens or len(batch.ids) == 1 for batch in batches)
    assert sum(batch.real_tokens for batch in batches) == sum(lengths)
    assert sum(int(batch.targets.sum()) for batch in batches) == target_count(rows)


@on_a_busy_machine
@given(
    own=st.lists(st.integers(0, 40), min_size=1, max_size=30),
    prefix=st.integers(0, 60),
    tokens=st.integers(1, 200),
    flat=st.booleans(),
)
def test_packed_batches_hold_every_row_once_within_the_budget(
    own: list[int], prefix: int, tokens: int, flat: bool
) -> None:
    """The budget is for what the rows have beside the prefix."""
    rows = [with_prefix(prefix, length + 1 if prefix == 0 else length) for length in own]
    plan = replace(budget(tokens), layout="flat" if flat else "padded")
    batches = list(packed_batches(rows, plan, CPU, prefix_tokens=prefix))
    assert sum(batch.real_tokens for batch in batches) == sum(len(row) for row in rows)
    assert sum(int(batch.label_rows.sum()) for batch in batches) == target_count(rows)
    for batch in batches:
        assert not {"groups", "borders"} & vars(batch).keys()  # attention asks for one of them, or neither
        assert batch.computed_tokens <= prefix + tokens or len(batch.row_tokens) <= 1
        borders = [(group.start, group.stop) for group in batch.groups]
        assert [prefix, *(stop for _, stop in borders)] == [*(start for start, _ in borders), len(batch.ids)]
        assert sum(group.rows for group in batch.groups) == len(batch.row_tokens)


def with_prefix(prefix: int, own: int) -> TokenRow:
    ids = np.concatenate([np.arange(1, prefix + 1), np.full(own, 7)]).astype(np.int32)
    targets = np.ones(prefix + own, dtype=np.bool_)
    targets[0] = False
    return TokenRow(ids, targets)


@pytest.mark.parametrize("layout", ["flat", "padded"])
def test_a_prefix_longer_than_the_budget_is_computed_once_for_many_rows(
    layout: Literal["flat", "padded"],
) -> None:
    rows = [with_prefix(300, 10)] * 24
    plan = replace(budget(128), layout=layout)
    batches = list(packed_batches(rows, plan, CPU, prefix_tokens=300))
    own = [batch.computed_tokens - 300 for batch in batches]
    assert len(own) == 2
    assert sum(own) == 24 * 9  # a row's last token is seen by no target
    assert max(own) <= 128


def test_rows_behind_a_very_long_prefix_are_no_more_than_its_copies_have_room_for() -> None:
    rows = [with_prefix(2000, 2)] * 64
    batches = list(packed_batches(rows, budget(512), CPU, prefix_tokens=2000))
    for batch in batches:
        assert 2000 * len(batch.row_tokens) <= PREFIX_COPIES * 512
    assert len(batches) == 8


@on_a_busy_machine
@given(lengths=st.lists(st.integers(2, 30), min_size=1, max_size=9), cost=st.integers(0, 60))
def test_no_other_split_of_the_sorted_rows_is_cheaper(lengths: list[int], cost: int) -> None:
    plan = Plan("explicit", 60, gradient_checkpointing=False, micro_batch_cost_tokens=cost)
    batches = list(micro_batches([row(length) for length in lengths], plan, CPU))
    ordered = sorted(lengths, reverse=True)
    assert sum(batch.computed_tokens + cost for batch in batches) == min(
        costs_of_all_splits(ordered, 60, cost)
    )


def costs_of_all_splits(lengths: list[int], budget: int, cost: int) -> list[int]:
    """Of every way to cut the sequence into neighbours, by trying each set of borders."""
    found = []
    for borders in range(2 ** (len(lengths) - 1)):
        cuts = [0, *(at for at in range(1, len(lengths)) if borders >> (at - 1) & 1), len(lengths)]
        parts = [lengths[start:end] for start, end in pairwise(cuts)]
        if all(max(part) * len(part) <= budget or len(part) == 1 for part in parts):
            found.append(sum(max(part) * len(part) + cost for part in parts))
    return found


def test_the_baseline_pads_pairs_in_order_to_the_full_length() -> None:
    batches = list(micro_batches([row(5), row(9), row(3)], baseline_plan(16), CPU))
    assert [tuple(batch.ids.shape) for batch in batches] == [(2, 16), (1, 16)]
    mask = batches[0].attention_mask
    assert mask is not None
    assert mask.sum(dim=1).tolist() == [5, 9]


@pytest.mark.parametrize("plan", [budget(64), baseline_plan(16)])
def test_rows_stand_left_of_their_padding(plan: Plan) -> None:
    """Without a mask a token sees all that stands left of it, so padding must not."""
    rows = {9: row(9), 5: row(5), 3: row(3)}
    for batch in micro_batches(list(rows.values()), plan, CPU):
        for ids in batch.ids:
            length = int((ids != 0).sum())
            assert ids[:length].tolist() == rows[length].ids.tolist()


@pytest.mark.parametrize("plan", [budget(64), baseline_plan(16)])
def test_padding_is_never_a_target(plan: Plan) -> None:
    for batch in micro_batches([row(5), row(9), row(3)], plan, CPU):
        lengths = (batch.ids != 0).sum(dim=1)
        positions = torch.arange(batch.ids.shape[1])
        assert not (batch.targets & (positions >= lengths.unsqueeze(1))).any()
