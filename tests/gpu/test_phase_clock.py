"""On a card: phases by events in its stream add up to the wall time, whatever thread marks them."""

import time

import pytest
import torch
from torch.utils.checkpoint import checkpoint

from services.worker.phase_clock import PhaseClock

pytestmark = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="no CUDA card here; where there is one: python -m bench.gpu --tests"
)


def test_phases_of_a_card_add_up_to_the_wall_time() -> None:
    device = torch.device("cuda")
    weight = torch.randn(4096, 4096, device=device, requires_grad=True)
    clock = PhaseClock(device)

    def layer(x: torch.Tensor) -> torch.Tensor:
        for _ in range(10):
            x = (x @ weight).sin()
        return x

    def step() -> None:
        with clock.phase("forward"):
            loss = checkpoint(clock.computing_again(layer), weight, use_reentrant=False).sum()
        with clock.phase("backward"):
            loss.backward()

    step()
    clock.take(then="rest")
    started = time.perf_counter()
    for _ in range(5):
        step()
    taken = clock.take()
    wall = time.perf_counter() - started
    assert taken.keys() == {"forward", "recomputation", "backward", "rest"}
    assert sum(taken.values()) == pytest.approx(wall, rel=0.05)
    assert taken["recomputation"] == pytest.approx(taken["forward"], rel=0.3)
    assert taken["rest"] < 0.1 * wall
