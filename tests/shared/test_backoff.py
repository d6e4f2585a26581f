"""How long a dead process waits for its next start."""

from shared.backoff import Backoff


def test_waits_double_from_half_a_second_to_thirty() -> None:
    backoff, waits = Backoff(), []
    for _ in range(9):
        backoff = backoff.after_death(lived_seconds=1.0)
        waits.append(backoff.wait_seconds)
    assert waits == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_a_process_that_lived_for_a_while_is_started_at_once() -> None:
    backoff = Backoff()
    for _ in range(5):
        backoff = backoff.after_death(lived_seconds=1.0)
    backoff = backoff.after_death(lived_seconds=10.0)
    assert backoff.wait_seconds == 0
    assert backoff.after_death(lived_seconds=1.0).wait_seconds == 0.5
