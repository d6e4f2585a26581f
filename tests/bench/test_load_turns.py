"""What the load benchmark does first, and what it leaves out when time runs short."""

from bench.load_turns import CASES, PREPARED, QUANTIZING, Budget, turns


def test_every_arm_gets_all_repeats_of_every_case() -> None:
    order = turns(CASES, 3, quantizing=True, peers=["runai"])
    for arm in (*PREPARED, *QUANTIZING, "runai"):
        for case in CASES:
            assert [turn.repeat for turn in order if turn.case == case and arm in turn.arms] == [1, 2, 3]


def test_the_arms_that_quantize_come_last_and_can_be_left_out() -> None:
    order = turns(CASES, 2, quantizing=True)
    first_slow = next(number for number, turn in enumerate(order) if turn.arms == QUANTIZING)
    assert all(turn.arms == QUANTIZING for turn in order[first_slow:])
    assert turns(CASES, 2, quantizing=False) == order[:first_slow]


def test_an_arm_fits_while_its_longest_run_would_be_over_in_time() -> None:
    budget = Budget(1000.0)
    assert budget.fits("hf-artifact")
    budget.took("hf-artifact", 5000.0)
    budget.took("hf-artifact", 1.0)
    assert not budget.fits("hf-artifact")
    assert budget.fits("ours-artifact")
