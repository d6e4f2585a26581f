"""The time left of a run: as foretold, corrected by the steps so far."""

import pytest

from services.worker.computing.predicting.counted_memory import MicroBatchBytes
from services.worker.computing.predicting.forecast import Forecast
from services.worker.training.eta import Eta
from services.worker.training.foretold import Foretold
from shared.reports.training_facts import MemoryParts


def foretold(steps: int, seconds: float) -> Foretold:
    forecast = Forecast(
        first=0, total=steps, listed=(seconds,) * steps, micro_batch=MicroBatchBytes(0, 0, 0), layers=1
    )
    return Foretold(forecast, MemoryParts())


def test_a_run_without_a_forecast_expects_steps_like_the_last_ones() -> None:
    eta = Eta()
    assert eta.after(1, 2.0, 5) == 8.0
    assert eta.after(2, 2.0, 5) == 6.0
    assert eta.early_run_seconds is None


def test_the_first_step_which_makes_what_later_ones_find_says_nothing_of_them() -> None:
    eta = Eta(foretold(20, 1.0))
    assert eta.after(1, 9.0, 20) == pytest.approx(19.0)
    assert eta.early_run_seconds == pytest.approx(19.0, abs=0.5)  # and what this test has run for so far


def test_steps_that_take_longer_than_foretold_are_expected_to_go_on_so() -> None:
    eta, rest = Eta(foretold(101, 1.0)), 101.0
    for step in range(1, 102):
        rest = eta.after(step, 9.0 if step == 1 else 1.5, 101)
        if step == 11:
            assert rest == pytest.approx(90 * (1 + 10 * 1.5) / 11)
    assert rest == 0.0
