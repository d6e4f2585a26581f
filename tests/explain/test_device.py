"""Phases on a device are read from its events, and recomputation is taken out of the backward pass.

No card is needed: the events of a device whose time is written down.
"""

from types import SimpleNamespace

import pytest

from services.cli.explain.tunedock_probe import Clock, DevicePhases


class Device:
    """Its events have the time that `now` says when they are recorded, and are done until `done`."""

    def __init__(self) -> None:
        self.now = 0.0
        self.done = 1e9
        self.cuda = SimpleNamespace(Event=self.event, synchronize=self.finish)

    def event(self, *, enable_timing: bool) -> "Event":
        assert enable_timing
        return Event(self)

    def finish(self) -> None:
        self.done = self.now


class Event:
    def __init__(self, device: Device) -> None:
        self.device = device
        self.at = -1.0

    def record(self) -> None:
        self.at = self.device.now

    def query(self) -> bool:
        return self.at <= self.device.done

    def elapsed_time(self, later: "Event") -> float:
        return (later.at - self.at) * 1000


def step(device: Device, clock: Clock, phases: DevicePhases, *, backward: float = 0.6) -> None:
    """Forward 0.3 s, backward, of which 0.2 s compute again, optimizer 0.1 s."""
    for region, seconds in (("forward", 0.3), ("backward", backward), ("optimizer", 0.1)):
        depth = clock.enter(region)
        if region == "backward":
            began = phases.begin_recomputation()
            device.now += 0.2
            phases.end_recomputation(began)
            seconds -= 0.2
        device.now += seconds
        clock.leave(depth)
    phases.cut()


def test_the_mean_of_steps_after_the_first() -> None:
    device, clock, phases = Device(), Clock(), DevicePhases()
    clock.become("rest")
    phases.start(device, clock)
    step(device, clock, phases, backward=5.0)
    step(device, clock, phases)
    step(device, clock, phases)
    phases.collect(wait=True)
    assert phases.steps == 2
    expected = {"forward": 0.3, "backward": 0.4, "recomputation": 0.2, "optimizer": 0.1}
    assert {name: phases.means()[name] for name in expected} == pytest.approx(expected)


def test_steps_that_the_device_has_not_done_are_read_later() -> None:
    device, clock, phases = Device(), Clock(), DevicePhases()
    clock.become("rest")
    phases.start(device, clock)
    device.done = 0.0
    step(device, clock, phases)
    step(device, clock, phases)
    assert phases.steps == 0
    phases.collect(wait=True)
    assert phases.steps == 1
