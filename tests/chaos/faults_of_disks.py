"""Faults of disks: the data folder's or the store's is full, and has room again."""

import random
import time
from typing import TYPE_CHECKING

from tests.chaos.fault import OF_A_JOB, fault

if TYPE_CHECKING:
    from tests.chaos.world import World

A_MOMENT = (0.5, 8.0)


@fault("child", weight=2, moments=OF_A_JOB, lasts=A_MOMENT)
def fill_data_disk(world: "World", chance: random.Random, seconds: float) -> bool:
    with world.disks.full("data"):
        time.sleep(seconds)
    return True


@fault("store", weight=1.5, moments=OF_A_JOB, lasts=A_MOMENT)
def fill_store_disk(world: "World", chance: random.Random, seconds: float) -> bool:
    with world.disks.full("store"):
        time.sleep(seconds)
    return True
