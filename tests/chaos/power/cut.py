"""Cuts the power of a running stack: everything stops at once, and what the disks have is copied."""

import os
import random
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.chaos.moments import MOMENTS, wait_for
from tests.chaos.power.disk import Images, PowerDisks
from tests.chaos.power.traffic import Known, Traffic
from tests.chaos.world import World

AT = (
    "submit", "loading", "stepping", "saving", "publishing", "published", "upload", "delete", "now", "ended",
    "saving", "publishing", "delete-file", "submit", "published",
)  # fmt: skip
LONGEST_WAIT_SECONDS, LOOK_SECONDS = 8.0, 0.001
LATER_SECONDS = 0.03  # at most so long after the moment has begun
FIND_TIMES = 3  # a process may have started another one before it was stopped


@dataclass(frozen=True)
class Cut:
    """One power cut: when it was, what was known then, and where the disks' copies are."""

    number: int
    moment: str
    was_met: bool
    known: Known
    images: Images


def cut_power(world: World, traffic: Traffic, number: int, folder: Path, chance: random.Random) -> Cut:
    """Wait for the moment of cut `number`, stop everything, copy the disks, and let it go on."""
    moment = AT[number % len(AT)]
    disks = world.disks
    assert isinstance(disks, PowerDisks)
    images = Images(folder / f"cut-{number}")
    was_met = _wait_for(moment, world, traffic)
    time.sleep(chance.uniform(0, LATER_SECONDS))
    with traffic.nothing_new() as known:
        stopped = _stop(world)
        try:
            disks.copy(images)
        finally:
            for pid in reversed(stopped):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)
    world.history.note("cut", number=number, moment=moment, met=was_met, doing=str(known.doing))
    return Cut(number, moment, was_met, known, images)


def _stop(world: World) -> list[int]:
    """Whatever belongs to the stack, the supervisor's children's children too."""
    stopped: list[int] = []
    for _ in range(FIND_TIMES):
        supervisor = world.find("supervisor")
        assert supervisor is not None, "the stack is not running"
        for process in [*supervisor.children(recursive=True)[::-1], supervisor]:
            with suppress(psutil.Error, ProcessLookupError):
                if process.pid not in stopped:
                    os.kill(process.pid, signal.SIGSTOP)
                    stopped.append(process.pid)
    return stopped


def _wait_for(moment: str, world: World, traffic: Traffic) -> bool:
    if moment in MOMENTS or moment == "now":
        return wait_for(moment, world)
    ended, deadline = len(world.seen_to_end()), time.monotonic() + LONGEST_WAIT_SECONDS
    traffic.wish = moment
    try:
        while time.monotonic() < deadline:
            doing = traffic.doing
            if (doing and doing.what == moment) or (moment == "ended" and len(world.seen_to_end()) > ended):
                return True
            time.sleep(LOOK_SECONDS)
        return False
    finally:
        traffic.wish = ""
