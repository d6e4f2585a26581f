"""What `bench submits` makes of its measurements."""

import pytest

from bench.submits import Measured, part, table


def measured(**more: object) -> Measured:
    good = Measured(
        alone=[1.0, 1.0],
        amid=[1.02, 1.03],
        submits=[0.01] * 95 + [0.2] * 5,
        scrapes=[0.02],
        answers={"202": 100},
        cpu={"api": 0.5},
        seconds=2.0,
    )
    for name, value in more.items():
        setattr(good, name, value)
    return good


def test_a_part_is_the_smallest_value_that_so_many_do_not_exceed() -> None:
    values = [float(value) for value in range(100, 0, -1)]
    assert [part(values, share) for share in (0.5, 0.95, 0.99, 1)] == [50, 95, 99, 100]
    assert part([7.0], 0.95) == 7


@pytest.mark.parametrize(
    "missed",
    [
        {"submits": [0.01] * 94 + [0.2] * 6},
        {"scrapes": [0.06]},
        {"amid": [1.06, 1.07]},
        {"answers": {"202": 99, "429": 1}},
        {"answers": {"202": 99, "TimeoutError": 1}},
    ],
)
def test_each_limit_that_is_not_met_is_missed(missed: dict[str, object]) -> None:
    assert not measured().is_missed
    assert measured(**missed).is_missed


def test_the_table_shows_times_answers_and_what_each_part_used() -> None:
    text = table(measured(answers={"202": 99, "429": 1}))
    assert "a submit                             10.0 ms   10.0 ms  200.0 ms  200.0 ms" in text
    assert "answers: 99 × 202, 1 × 429" in text
    assert "a step takes +2.5% (2 amid, 2 alone)" in text
    assert "of one core: api 25%" in text
