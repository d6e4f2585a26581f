"""The parts that pages are made of: scales, plots, numbers."""

import pytest

from services.api.page_kit.plots import Plot
from services.api.page_kit.scales import LogScale, Scale
from services.api.page_kit.shares import compact, in_hundred
from shared.units import span


def test_a_scale_of_ratios_is_the_same_for_twice_and_half_as_fast() -> None:
    scale = LogScale.of_ratios([0.5, 3.9])
    assert (scale.low, scale.high) == (0.5, 4.0)
    at = [scale.percent(ratio) for ratio in (0.5, 1.0, 2.0, 4.0)]
    assert at == pytest.approx([0, 33.33, 66.67, 100], abs=0.01)
    assert [(tick.value, tick.at) for tick in scale.doublings] == list(zip((0.5, 1, 2, 4), at, strict=True))


def test_a_scale_of_ratios_has_one_inside_even_without_any() -> None:
    scale = LogScale.of_ratios([])
    assert 0 < scale.percent(1.0) < 100
    assert scale.high == 2


def test_a_plot_begins_at_nothing_and_rises_upwards() -> None:
    plot = Plot(Scale(400), Scale(2))
    assert (plot.dot("healthy", 100, 0.5).x, plot.dot("healthy", 100, 0.5).y) == (25, 75)
    assert plot.line([(0, 2), (400, 0)]) == "0.0,0.0 100.0,100.0"


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0"), (0.5, "0.5"), (2000, "2000"), (20_000, "20k"), (2.5e6, "2.5M")]
)
def test_numbers_at_an_axis_are_short(value: float, text: str) -> None:
    assert compact(value) == text


@pytest.mark.parametrize(("share", "text"), [(0, "0%"), (0.004, "0.4%"), (0.87, "87%"), (-0.2, "-20%")])
def test_small_shares_keep_a_digit(share: float, text: str) -> None:
    assert in_hundred(share) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.5, "0.50 s"), (119, "119.0 s"), (252, "4.2 min"), (2468, "41 min"), (5400, "1.5 h"),
        (23_369, "6.5 h"), (100_000, "28 h"), (270_000, "3.1 days"),
    ],
)  # fmt: skip
def test_long_times_are_told_as_people_plan_with_them(seconds: float, text: str) -> None:
    assert span(seconds) == text
