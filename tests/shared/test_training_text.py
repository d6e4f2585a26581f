"""A training's report as text: the verdict first, and no line wider than a terminal."""

from typing import Any

import pytest

from shared.messages.message import say
from shared.messages.render import told
from shared.reports.finding import Finding, Remedy
from shared.reports.stored import read_stored
from shared.reports.training import TrainingReport
from shared.reports.training_facts import FactorCost
from shared.reports.training_text import COLUMNS, flops, training_text
from shared.reports.training_verdict import training_verdict
from tests.api.training_reports import REPORTS, facts, reference, report_of


def read(report: dict[str, Any]) -> TrainingReport:
    return read_stored(TrainingReport, report)


@pytest.mark.parametrize("name", [name for name in REPORTS if name != "hostile"])
def test_no_line_is_wider_than_a_terminal_of_80_columns(name: str) -> None:
    text = training_text(read(REPORTS[name]()))
    assert [line for line in text.splitlines() if len(line) > COLUMNS] == []
    assert not [line for line in text.splitlines() if line != line.rstrip()]


def test_the_verdict_is_the_first_thing_said() -> None:
    title, nothing, first, second, *_ = training_text(read(reference())).splitlines()
    assert title.startswith("How org/name-2.4B trains")
    assert nothing == ""
    assert f"{first} {second}" == (
        "87 of 100 computed tokens are empty. Pad to the longest row: 19.0 s → 5.61 s a step, "
        "and the model learns the same."
    )


def test_costs_stand_in_columns_with_a_star_where_another_thing_is_learned() -> None:
    lines = training_text(read(reference())).splitlines()
    padding = next(line for line in lines if line.startswith("  padding  "))
    layers = next(line for line in lines if line.startswith("  layers *"))
    assert padding.split("  ")[-1].strip() == "×3.39 ±0.14"
    assert len(padding) == len(layers)
    assert any(line.startswith("  A star (*) marks a change") for line in lines)


def test_why_a_change_was_not_tried_is_told() -> None:
    why = say("advice-untried", why=say("advice-no-time"), advice=say("advice-batch-size"))
    untried = FactorCost(
        factor="batch_size", as_is="2", changed="4", basis="not_tried", same_learning=True, advice=why
    )
    text = training_text(read(report_of(facts(factors=(untried,)))))
    assert "batch size: There was no time to try this." in text


def test_what_lies_between_steps_is_told_of_the_run_and_not_of_a_step() -> None:
    """An evaluation at every step costs more than the step itself."""
    known = facts(between_seconds={"validation": 1228 * 30.0})
    often = Finding(
        id="frequent-validation",
        severity="warning",
        title=say("padding-title", empty_ratio=0.5),
        evidence=(),
        remedies=(Remedy(action=say("padding-remedy"), saves_seconds=29.0),),
    )
    verdict = told(training_verdict(read(report_of(known, often))))
    assert verdict.endswith("Without that, the whole run takes 6.8 h instead of 17 h.")


def test_without_a_finding_that_warns_nothing_is_blamed() -> None:
    verdict = told(training_verdict(read(report_of(facts()))))
    assert verdict.startswith("No setting costs a noticeable part of a step.")


@pytest.mark.parametrize(
    ("per_second", "text"), [(13e12, "13 TFLOP/s"), (3.1e11, "310 GFLOP/s"), (5e6, "5 MFLOP/s")]
)
def test_arithmetic_has_the_unit_that_fits(per_second: float, text: str) -> None:
    assert flops(per_second) == text
