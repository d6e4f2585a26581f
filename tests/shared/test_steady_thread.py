"""Threads that promises hang on: they outlive what their turns raise, and being killed."""

import threading
import time
from collections.abc import Callable

import pytest

from shared.steady_thread import SteadyThread
from tests.killed_threads import kill_thread


def until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not reached():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


def test_turns_come_in_their_time_until_the_thread_is_stopped() -> None:
    turns: list[float] = []

    def turn() -> float:
        turns.append(time.monotonic())
        return 0.05

    thread = SteadyThread("turns", turn, first_wait=0.05)
    thread.start()
    until(lambda: len(turns) == 3)
    thread.stop()
    done = len(turns)
    time.sleep(0.15)
    assert len(turns) == done
    assert turns[1] - turns[0] >= 0.05


def test_a_turn_that_raises_is_followed_by_the_next() -> None:
    turns = []

    def turn() -> float:
        turns.append(1)
        if len(turns) == 1:
            raise OSError("no room")
        return 0.01

    thread = SteadyThread("raising", turn)
    thread.start()
    until(lambda: len(turns) > 2)
    thread.stop()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_is_killed_or_exits_is_started_again() -> None:
    turns: list[int | None] = []

    def turn() -> float:
        turns.append(threading.get_ident())
        if len(turns) == 1:
            raise SystemExit
        return 0.01

    thread = SteadyThread("exiting", turn)
    thread.start()
    until(lambda: len(turns) > 3)
    killed = thread.ident
    kill_thread(killed)
    until(lambda: thread.ident != killed)
    seen = len(turns)
    until(lambda: len(turns) > seen)
    thread.stop()
