"""A ratio of paired times and how sure it is."""

import pytest

from services.worker.explaining.intervals import paired_ratio


def test_what_slows_both_arms_of_a_round_down_changes_no_ratio() -> None:
    slow = [1.0, 1.0, 7.0, 1.0, 3.0, 1.0]
    interval = paired_ratio([2.0 * times for times in slow], slow)
    assert (interval.low, interval.median, interval.high) == (2.0, 2.0, 2.0)
    assert interval.rounds == 6


def test_the_interval_holds_the_median_and_is_wider_where_rounds_differ() -> None:
    close = paired_ratio([2.0, 2.1, 1.9, 2.0, 2.05], [1.0] * 5)
    far = paired_ratio([2.0, 3.1, 1.1, 2.0, 2.5], [1.0] * 5)
    assert close.low <= close.median <= close.high
    assert close.width < far.width


def test_no_round_gives_no_ratio() -> None:
    with pytest.raises(ValueError, match="no round"):
        paired_ratio([], [])
