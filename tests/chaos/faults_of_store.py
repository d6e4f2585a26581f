"""Faults of the store: it takes no writes, drops its connections, forgets the messages that ring."""

import random
import time
from typing import TYPE_CHECKING

from shared.queue import BROKER_PREFIX, Doorbell
from tests.chaos.fault import OF_A_JOB, fault

if TYPE_CHECKING:
    from tests.chaos.world import World

USUAL_MEMORY = "512mb"  # shared/store_configuration.py; not asked for, since two of these faults may overlap
A_MOMENT = (0.2, 6.0)


@fault("store", weight=2, moments=OF_A_JOB, lasts=A_MOMENT)
def store_memory_full(world: "World", chance: random.Random, seconds: float) -> bool:
    with world.store() as store:
        store.config_set("maxmemory", 1)
        time.sleep(seconds)
    return world.mend_store(lambda store: store.config_set("maxmemory", USUAL_MEMORY))


@fault("store", weight=1.5, moments=OF_A_JOB, lasts=A_MOMENT)
def store_read_only(world: "World", chance: random.Random, seconds: float) -> bool:
    with world.store() as store:
        store.replicaof("127.0.0.1", 1)
        time.sleep(seconds)
    return world.mend_store(lambda store: store.replicaof("no", "one"))


@fault("store", weight=1.5, moments=OF_A_JOB)
def drop_connections(world: "World", chance: random.Random, seconds: float) -> bool:
    """All of them, once or several times in a row."""
    for _ in range(chance.randint(1, 5)):
        with world.store() as store:
            for client in store.client_list():
                if client["id"] != str(store.client_id()):
                    store.client_kill_filter(_id=client["id"])
        time.sleep(chance.uniform(0, 0.5))
    return True


@fault("child", weight=1)
def flush_rings(world: "World", chance: random.Random, seconds: float) -> bool:
    """Every message, and what the broker notes about its queues."""
    with world.store() as store:
        for key in store.scan_iter(f"{BROKER_PREFIX}*"):
            store.delete(key)
    return True


@fault("users", weight=1)
def ring_often(world: "World", chance: random.Random, seconds: float) -> bool:
    doorbell = Doorbell(world.store_url())
    for number in range(chance.randint(5, 40)):
        doorbell.ring(f"nobody-{number}")
    return True
