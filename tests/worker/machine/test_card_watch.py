"""A card over a stretch of work, from recorded looks."""

from collections.abc import Sequence
from typing import Any

import pytest
import torch

from services.worker.machine.card import THROTTLE_BITS, CardState, others_of, throttled_by
from services.worker.machine.card_watch import CONTEXT_BYTES, CardLook, CardWatch

GIGABYTE = 10**9


def watched(looks: Sequence[CardLook | None]) -> CardWatch:
    left = iter(looks)
    watch = CardWatch(lambda: next(left))
    for _ in looks[1:]:
        watch.look()
    return watch


def look(megahertz: float | None, reserved: int = 0, **state: Any) -> CardLook:
    clock = None if megahertz is None else megahertz * 1e6
    return CardLook(CardState(clock_hertz=clock, **state), reserved)


def test_the_clock_is_that_of_the_later_half_against_the_first_of_a_card_at_work() -> None:
    looks = [look(300, idle=True), look(1500), look(1400), look(900), look(1000)]
    watch = watched([*looks, look(200, idle=True)])
    assert watch.clock_start_hertz == 1500e6
    assert watch.clock_hertz == pytest.approx(950e6)


def test_a_reason_counts_that_held_in_half_of_the_later_looks() -> None:
    hot, cool = ("thermal", "power"), ("power",)
    watch = watched([look(1, reasons=hot), look(1, reasons=hot), look(1, reasons=hot), look(1, reasons=())])
    assert watch.reasons == ("power", "thermal")
    assert watched([look(1, reasons=hot), *(look(1, reasons=cool) for _ in range(5))]).reasons == ("power",)


def test_what_the_allocator_holds_beyond_the_card_has_spilled_and_the_rest_is_of_others() -> None:
    spilled = look(1, reserved=7 * GIGABYTE, used_bytes=5 * GIGABYTE)
    assert spilled.spilled_bytes == 2 * GIGABYTE
    shared = look(1, reserved=GIGABYTE, used_bytes=4 * GIGABYTE)
    assert (shared.spilled_bytes, shared.others_bytes) == (0, 3 * GIGABYTE - CONTEXT_BYTES)
    listed = look(1, reserved=GIGABYTE, used_bytes=4 * GIGABYTE, others_bytes=5)
    assert listed.others_bytes == 5
    assert look(1).others_bytes is None


def test_others_are_told_only_where_this_process_is_listed_itself() -> None:
    assert others_of({7: 10, 8: 20, 9: 30}, own=8) == 40
    assert others_of({8: 20}, own=8) == 0
    assert others_of({7: 10}, own=8) is None  # numbers of another namespace
    assert others_of({}, own=8) is None


def test_a_driver_that_tells_nothing_gives_nothing() -> None:
    watch = watched([look(None), look(None)])
    assert (watch.clock_hertz, watch.clock_start_hertz, watch.reasons) == (None, None, ())
    assert CardWatch.of(torch.device("cpu")).looks == []


def test_bits_of_nvml_are_told_by_their_reasons() -> None:
    assert throttled_by(0x04) == ("power",)
    assert throttled_by(0x20 | 0x08) == ("thermal", "hardware_slowdown")
    assert throttled_by(0x01 | 0x02) == ()  # idle, and set by an application
    assert throttled_by(sum(THROTTLE_BITS.values())) == tuple(THROTTLE_BITS)
