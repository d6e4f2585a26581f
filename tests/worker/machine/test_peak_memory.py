"""What a process has in use counts; what its allocator keeps free does not."""

import pytest
import torch

from services.worker.computing.predicting.counted_memory import COMPILED_BYTES, compiled_bytes
from services.worker.machine.heap import bytes_in_use
from services.worker.machine.peak_memory import PeakMemory, bytes_now, look_at_memory

CPU = torch.device("cpu")
MB = 1_000_000

pytestmark = pytest.mark.skipif(bytes_in_use() is None, reason="the C library is no glibc of 2.33 or later")


def blocks(count: int) -> list[torch.Tensor]:
    """Each of 1 MB, which glibc takes from its heap."""
    return [torch.ones(MB, dtype=torch.uint8) for _ in range(count)]


def test_the_peak_has_what_was_in_use_at_a_look_and_not_what_is_free_now() -> None:
    memory, before = PeakMemory(CPU), bytes_now(CPU)
    memory.restart()
    held = blocks(200)
    look_at_memory(CPU)
    del held
    peak = memory.read()
    assert peak is not None
    assert 195 * MB < peak - before < 230 * MB
    memory.restart()
    again = memory.read()
    assert again is not None
    assert abs(again - before) < 30 * MB


def test_holes_in_the_heap_do_not_count() -> None:
    memory, before = PeakMemory(CPU), bytes_now(CPU)
    memory.restart()
    held = blocks(200)
    held = held[::2]  # each hole too small for what comes
    more = [torch.ones(3 * MB // 2, dtype=torch.uint8) for _ in range(20)]
    look_at_memory(CPU)
    peak = memory.read()
    assert peak is not None
    assert 125 * MB < peak - before < 160 * MB
    assert len(held) + len(more) == 120


def test_each_size_has_its_own_products_until_the_caches_are_full() -> None:
    assert compiled_bytes(19 * MB, 1) == 0
    assert compiled_bytes(19 * MB, 3) == 2 * 19 * MB
    assert compiled_bytes(19 * MB, 100) == COMPILED_BYTES - 19 * MB
    assert compiled_bytes(0, 100) == 0
