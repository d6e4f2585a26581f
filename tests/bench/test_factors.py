"""What a diagnosis says of each setting is held to HF Trainer: the arithmetic, and a run on a tiny model."""

import json
from collections import Counter
from pathlib import Path

import pytest

from bench import factors
from bench.arm_process import ArmStep
from bench.factor_costs import ARM_OF, Compared, Spread, Turn, compare, table, trained, turns_of
from bench.factor_inputs import turns_order
from bench.factors import cause_line
from bench.train_arms.__main__ import ARMS
from bench.train_arms.hf_factors import RECIPES
from bench.train_measure import Steps
from shared.messages.message import say
from shared.reports.training_facts import Basis, Factor, FactorCost
from tests.bench.conftest import Run
from tests.bench.messages import write_messages
from tests.thorough import thorough
from tests.tiny_models import make_tiny_llama


def test_ratios_are_taken_turn_by_turn_and_an_arm_that_ended_early_counts_as_far_as_it_came() -> None:
    assert trained([10.0, 20.0, 9.0], [5.0, 5.0, 3.0]) == Spread(3.0, 2.0, 4.0)
    assert trained([10.0, 20.0, 9.0], [5.0]) == Spread(2.0, 2.0, 2.0)
    assert trained([10.0], []) is None


def test_a_factor_is_kept_within_fifteen_per_cent_and_missed_beyond_or_unmeasured() -> None:
    def compared(diagnosed: float | None, hf: float | None) -> Compared:
        spreads = [None if ratio is None else Spread(ratio, ratio, ratio) for ratio in (diagnosed, hf)]
        return Compared("sms", "padding", "max_length (512) -> longest", "measured", *spreads)

    assert compared(1.15, 1.0).kept
    assert compared(0.86, 1.0).kept
    assert not compared(1.16, 1.0).kept
    assert not compared(0.84, 1.0).kept
    assert not compared(None, 1.0).kept
    assert not compared(1.0, None).kept
    header, kept, missed = table([compared(1.15, 1.0), compared(None, None)]).split("\n")
    assert header.split() == [
        "case",
        "factor",
        "change",
        "diagnosis",
        "HF",
        "Trainer",
        "apart",
        "by",
        "processor",
    ]
    assert "1.15 (1.15-1.15)" in kept
    assert kept.endswith("+15.0%  kept")
    assert "failed" in missed
    assert missed.endswith("MISSED")


def test_the_diagnosis_first_way_of_a_factor_is_compared_with_its_own_arm() -> None:
    def cost(factor: Factor, ratio: float | None, basis: Basis = "measured") -> FactorCost:
        advice = say("advice-padding")
        return FactorCost(
            factor=factor, as_is="a", changed="b", basis=basis, ratio=ratio, same_learning=True, advice=advice
        )

    costs = (
        cost("padding", 6.0),
        cost("padding", 1.5, "counted"),
        cost("batch_size", None, "not_tried"),
        cost("precision", 2.0),
    )
    turns = {"hf-common": [Turn(4.0, 8.0)], "hf-longest": [Turn(1.0, 4.0)], "hf-4-rows": [Turn(2.0, 2.0)]}
    found = compare("sms", costs, {**turns, "hf-no-checkpointing": []})
    assert [(one.factor, one.basis) for one in found] == [
        ("padding", "measured"),
        ("batch_size", "not_tried"),
    ]
    padding, batch = found
    assert padding.apart == pytest.approx(0.5)
    assert batch.trained == Spread(2.0, 2.0, 2.0)
    assert batch.apart is None
    assert padding.processor == Spread(2.0, 2.0, 2.0)


def test_turns_are_the_whole_ones_after_the_warm_up_and_of_a_row() -> None:
    def step(seconds: float) -> ArmStep:
        return ArmStep(seconds, 0.0, 0.0, rows=4, tokens=9, processor_seconds=2 * seconds)

    steps = [step(seconds) for seconds in (99.0, 1.0, 3.0, 5.0, 7.0, 50.0)]
    assert turns_of(steps, Steps(1, 2)) == [Turn(0.5, 1.0), Turn(1.5, 3.0)]
    assert turns_of([], Steps(1, 2)) == []
    assert turns_of(steps, Steps(1, 2), cold=1) == [Turn(0.75, 1.5), Turn(1.75, 3.5)]


def test_every_turn_has_all_rows_once_in_an_order_of_its_own() -> None:
    order = turns_order(8, warm_up=4, turns=3, of_turn=8, seed=0)
    turns = [order[4 + 8 * turn :][:8] for turn in range(3)]
    assert len(order) == 28
    assert all(Counter(turn) == Counter(range(8)) for turn in turns)
    assert len({tuple(turn) for turn in turns}) == 3
    assert len(turns_order(3, warm_up=4, turns=1, of_turn=4, seed=0)) == 8


def test_a_first_cause_that_is_another_is_said() -> None:
    assert cause_line(("sms", "padding")) == "sms: first cause padding"
    assert cause_line(("full512", None)) == "full512: first cause none, wanted recomputation: MISSED"


def test_every_arm_has_its_recipe() -> None:
    assert {*ARM_OF.values(), "hf-common"} == RECIPES.keys()
    assert RECIPES.keys() <= ARMS.keys()


@thorough
@pytest.mark.timeout(500)
def test_both_ways_run_on_the_same_rows(tmp_path: Path, run_here: Run) -> None:
    sms, model = write_messages(tmp_path / "sms.tsv", 64), make_tiny_llama(tmp_path / "model")
    out = tmp_path / "factors.json"
    done = run_here(
        factors.main, "--sms", sms, "--model", model, "--scratch", tmp_path / "scratch", "--quick",
        "--rows", "8", "--cases", "sms", "--json", out,
    )  # fmt: skip
    found = json.loads(out.read_text())
    assert done.code in (0, 1), done.stderr  # of so small a model no ratio is steady
    assert {one["factor"] for one in found["factors"]} == set(ARM_OF)
    assert all(one["trained"]["ratio"] > 0 for one in found["factors"]), found["notes"]
    assert found["notes"] == []
