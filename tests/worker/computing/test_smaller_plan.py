"""What is given up when memory runs out, in which order."""

import pytest

from services.worker.computing.plan.plan import Plan, baseline_plan
from services.worker.computing.plan.smaller_plan import MicroBatchSize, no_larger, smaller_plan
from shared.messages.render import in_english

WIDE = Plan("auto", 4096, gradient_checkpointing=False, own_layers=True, layout="flat", weights="run")
LEAN = Plan("auto", 4096, gradient_checkpointing=True)


def given_up(plan: Plan, rows: int, tokens: int, failures: int, *, quantized: bool = True) -> list[str]:
    smaller = smaller_plan(plan, MicroBatchSize(rows, tokens), failures, quantized=quantized)
    return [] if smaller is None else [in_english(said).removeprefix("From here on ") for said in smaller[1]]


def test_the_first_time_it_is_half_of_what_was_tried_not_of_the_budget() -> None:
    assert given_up(WIDE, 16, 700, 1) == ["a micro-batch has at most 350 tokens."]
    assert given_up(WIDE, 8, 4096, 1) == ["a micro-batch has at most 2,048 tokens."]
    assert given_up(baseline_plan(512), 2, 1024, 1) == ["a micro-batch has at most 1 row."]


@pytest.mark.parametrize(("rows", "failures"), [(16, 2), (1, 1), (1, 2)])
def test_then_and_for_a_single_row_everything_else_is(rows: int, failures: int) -> None:
    recomputed = "all layers are computed again in the backward pass."
    weights = "the 4-bit weights are dequantized for each use."
    assert given_up(WIDE, rows, 700, failures) == [recomputed, weights]
    assert given_up(WIDE, rows, 700, failures, quantized=False) == [recomputed]


def test_where_that_is_so_already_it_is_half_again_and_of_a_single_row_nothing() -> None:
    assert given_up(LEAN, 16, 700, 2) == ["a micro-batch has at most 350 tokens."]
    assert given_up(LEAN, 1, 700, 1) == given_up(LEAN, 1, 700, 2) == []


def test_validations_take_no_more_at_once_than_steps_do() -> None:
    small = Plan("auto", 300, gradient_checkpointing=False)
    assert no_larger(WIDE, small).tokens_per_micro_batch == 300
    assert no_larger(small, WIDE) == small
    one_row = smaller_plan(baseline_plan(512), MicroBatchSize(2, 1024), 1)
    assert one_row is not None
    assert no_larger(baseline_plan(512), one_row[0]).rows_per_micro_batch == 1
