"""Spill, a slowed card and steps that get slower are told while a run goes on: each once, with a remedy."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from services.worker.machine.card import CardState
from services.worker.machine.card_watch import CardLook
from services.worker.training.done_step import DoneStep
from services.worker.training.run_alarms import RunAlarms
from tests.worker.training.tiny_bases import RecordedJob

GB = 10**9
HEALTHY = CardState(clock_hertz=1.7e9, power_watts=68.0, memory_bytes=6 * GB, used_bytes=4 * GB, reasons=())


def step(number: int, seconds: float = 2.0, tokens: int = 1000, plan_number: int = 0) -> DoneStep:
    return DoneStep(
        step=number,
        total_steps=1000,
        train_loss=1.0,
        grad_norm=1.0,
        learning_rate=1e-4,
        step_seconds=seconds,
        real_tokens=tokens,
        computed_tokens=tokens,
        target_tokens=10,
        eta_seconds=1.0,
        phase_seconds={},
        plan_number=plan_number,
    )


def told(
    steps: Sequence[DoneStep],
    card: Callable[[int], CardState | None],
    reserved: int = 0,
    predicted_seconds: float | None = None,
) -> RecordedJob:
    job, number = RecordedJob(), 0

    def look() -> CardLook | None:
        state = card(number)
        return None if state is None else CardLook(state, reserved)

    alarms = RunAlarms(job, look, predicted_seconds=predicted_seconds, period_seconds=0)
    for one in steps:
        number = one.step
        alarms(one)
    return job


def changed_at(at: int, state: CardState) -> Callable[[int], CardState]:
    return lambda number: state if number >= at else HEALTHY


def test_a_healthy_run_is_told_nothing() -> None:
    """Its rows get longer, its first steps are slow, and now and then one is."""
    paces = {number: 9.0 if number < 3 or number % 7 == 0 else 2.0 for number in range(1, 100)}
    steps = [step(number, seconds=pace * number, tokens=1000 * number) for number, pace in paces.items()]
    assert told(steps, lambda number: HEALTHY).events == []
    assert told(steps, lambda number: None).events == []


def test_steps_that_get_slower_for_the_same_tokens_are_told_once() -> None:
    steps = [step(n, seconds=2.0 if n < 40 else 3.0) for n in range(1, 100)]
    job = told(steps, lambda number: None)
    assert job.codes() == ["steps_slower"]
    message, content = job.events[0]
    assert 40 < content["step"] < 50
    assert content["times"] == pytest.approx(1.5)
    assert "a computed token takes 1.5 times as long" in message


def test_a_slower_plan_is_not_taken_for_it() -> None:
    steps = [step(n, seconds=2.0 if n < 40 else 4.0, plan_number=int(n >= 40)) for n in range(1, 100)]
    assert told(steps, lambda number: None).events == []


@pytest.mark.parametrize(
    ("reasons", "remedies"),
    [
        (("thermal",), ["more air"]),
        (("power",), ["power limit"]),
        (None, ["not given", "more air", "power limit"]),
    ],
)
def test_a_clock_that_falls_is_told_with_its_reason(
    reasons: tuple[str, ...] | None, remedies: list[str]
) -> None:
    slowed = CardState(clock_hertz=1.2e9, power_watts=40.0, reasons=reasons)
    job = told([step(n) for n in range(1, 60)], changed_at(30, slowed))
    assert job.codes() == ["card_throttled"]
    message, content = job.events[0]
    assert "1,200 MHz" in message
    assert "1,700 MHz" in message
    assert [words for words in ("not given", "more air", "power limit") if words in message] == remedies
    assert content["start_clock_hertz"] == 1.7e9


def test_a_card_that_is_at_its_power_limit_from_the_start_is_not_slowed() -> None:
    limited = CardState(clock_hertz=1.2e9, power_watts=70.0, reasons=("power",))
    assert told([step(n) for n in range(1, 60)], lambda number: limited).events == []


def test_a_card_with_little_to_do_is_not_slowed() -> None:
    resting = CardState(clock_hertz=0.4e9, power_watts=20.0, reasons=(), idle=True)
    assert told([step(n) for n in range(1, 60)], changed_at(30, resting)).events == []


def test_a_spill_is_told_by_what_the_allocator_holds_beyond_the_card() -> None:
    job = told([step(1)], lambda number: HEALTHY, reserved=5 * GB)
    assert job.codes() == ["card_spills"]
    assert "1.00 GB of the card's data" in job.events[0][0]
    assert "TUNEDOCK_GPU_RESERVE_BYTES" in job.events[0][0]


def test_a_spill_is_told_by_a_full_slow_and_cool_card_and_by_nothing_less() -> None:
    slow = [step(n, seconds=2.0 if n < 30 else 6.0) for n in range(1, 80)]
    steady = [step(n) for n in range(1, 80)]
    full = CardState(clock_hertz=1.7e9, memory_bytes=6 * GB, used_bytes=6 * GB - 100_000_000, reasons=())
    cool, warm = replace(full, power_watts=30.0), replace(full, power_watts=66.0)
    assert told(slow, changed_at(30, cool)).codes() == ["card_spills", "steps_slower"]
    assert told(slow, changed_at(30, warm)).codes() == ["steps_slower"]
    assert told(steady, changed_at(30, cool)).codes() == []
    assert told(slow, changed_at(30, HEALTHY)).codes() == ["steps_slower"]


def test_a_run_that_spills_from_its_first_step_is_told_by_the_prediction() -> None:
    spilled = CardState(
        clock_hertz=1.7e9,
        power_watts=30.0,
        power_limit_watts=70.0,
        memory_bytes=6 * GB,
        used_bytes=6 * GB - 100_000_000,
        reasons=(),
    )
    slow = [step(number, seconds=8.0) for number in range(1, 30)]
    job = told(slow, lambda number: spilled, predicted_seconds=2.0)
    assert job.codes() == ["card_spills"]
    assert "4 times as long as predicted" in job.events[0][0]
    assert told(slow, lambda number: spilled, predicted_seconds=7.0).codes() == []
    assert told(slow, lambda number: spilled).codes() == []
    assert told(slow, lambda number: HEALTHY, predicted_seconds=2.0).codes() == []
