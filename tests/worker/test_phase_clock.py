"""Every moment is in one phase, however phases lie in each other."""

import time

import pytest
import torch
from torch.utils.checkpoint import checkpoint

from services.worker.phase_clock import PhaseClock, in_backward

NAP = 0.02


def test_a_phase_within_another_is_taken_out_of_it_and_all_add_up_to_the_whole() -> None:
    started = time.perf_counter()
    clock = PhaseClock(first="rest")
    with clock.phase("forward"):
        time.sleep(NAP)
        with clock.phase("head_and_loss"):
            time.sleep(2 * NAP)
        time.sleep(NAP)
    time.sleep(NAP)
    taken = clock.take()
    whole = time.perf_counter() - started
    assert taken.keys() == {"forward", "head_and_loss", "rest"}
    assert all(seconds >= NAP for seconds in taken.values())
    assert taken["head_and_loss"] >= 2 * NAP
    assert taken["forward"] < whole - 3 * NAP
    assert sum(taken.values()) == pytest.approx(whole, abs=0.005)


def test_what_lies_in_no_phase_belongs_to_the_last_turn() -> None:
    clock = PhaseClock(first="set_up")
    time.sleep(NAP)
    clock.turn("training")
    with clock.phase("saving"):
        time.sleep(NAP)
    assert clock.take(then="other").keys() == {"set_up", "saving", "training"}
    time.sleep(NAP)
    assert clock.take().keys() == {"other"}


def test_a_whole_phase_tells_nothing_apart_and_ends_with_an_exception() -> None:
    clock = PhaseClock()

    def validate() -> None:
        with clock.whole("validation"), clock.phase("head_and_loss"):
            clock.becomes("backward")
            raise ValueError("disk")

    with pytest.raises(ValueError, match="disk"):
        validate()
    assert clock.take().keys() == {"other", "validation"}
    with clock.phase("forward"):
        clock.becomes("head_and_loss")
    assert clock.take().keys() == {"other", "forward", "head_and_loss"}


def test_what_a_checkpoint_computes_again_is_no_part_of_the_backward_pass() -> None:
    """It ends early, by an exception, and `_current_graph_task_id` is torch's own: both may change."""
    clock, calls = PhaseClock(), list[bool]()

    def layer(x: torch.Tensor) -> torch.Tensor:
        calls.append(in_backward())
        time.sleep(NAP)
        return (x * x).sin()

    x = torch.ones(3, requires_grad=True)
    with clock.phase("forward"):
        loss = checkpoint(clock.computing_again(layer), x, use_reentrant=False).sum()
    with clock.phase("backward"):
        loss.backward()
    taken = clock.take()
    assert calls == [False, True]
    assert not in_backward()
    assert taken["forward"] >= NAP
    assert taken["recomputation"] >= NAP
    assert taken["backward"] < NAP
    assert x.grad is not None
