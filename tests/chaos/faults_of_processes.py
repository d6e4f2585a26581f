"""Faults of processes: killed, stopped for a while, stopped for good, told to end."""

import random
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from shared.job_folder import JobFolder
from tests.chaos.fault import OF_A_JOB, fault

if TYPE_CHECKING:
    from tests.chaos.world import World

AWHILE = (0.5, 5.0)


@fault("child", weight=6, moments=OF_A_JOB)
def kill_child(world: "World", chance: random.Random, seconds: float) -> bool:
    return world.send("child", signal.SIGKILL)


@fault("child", weight=2, moments=OF_A_JOB)
def kill_worker(world: "World", chance: random.Random, seconds: float) -> bool:
    return world.send("worker", signal.SIGKILL)


@fault("api", weight=3)
def kill_api(world: "World", chance: random.Random, seconds: float) -> bool:
    return world.send("api", signal.SIGKILL)


@fault("api", weight=1)
def kill_api_process(world: "World", chance: random.Random, seconds: float) -> bool:
    """One of the two that serve, while the one that started them lives."""
    return world.send("api_process", signal.SIGKILL, chance)


@fault("store", weight=3, moments=OF_A_JOB)
def kill_store(world: "World", chance: random.Random, seconds: float) -> bool:
    return world.send("store", signal.SIGKILL)


@fault("child", weight=1)
def kill_supervisor(world: "World", chance: random.Random, seconds: float) -> bool:
    """The whole stack ends with it; the run starts it again, as systemd would."""
    return world.send("supervisor", signal.SIGKILL)


@fault("child", weight=1, moments=OF_A_JOB)
def stop_worker(world: "World", chance: random.Random, seconds: float) -> bool:
    """As a host does that shuts down."""
    return world.send("worker", signal.SIGTERM)


@fault("child", weight=0.5, moments=OF_A_JOB)
def quit_worker(world: "World", chance: random.Random, seconds: float) -> bool:
    """At once, without a checkpoint."""
    return world.send("worker", signal.SIGQUIT)


@fault("child", weight=0.5, moments=OF_A_JOB)
def interrupt_worker_twice(world: "World", chance: random.Random, seconds: float) -> bool:
    """Ctrl-C by somebody who does not wait."""
    if not world.send("worker", signal.SIGINT):
        return False
    time.sleep(chance.uniform(0.05, 1.0))
    world.send("worker", signal.SIGINT)
    return True


@fault("child", weight=2, moments=OF_A_JOB, lasts=AWHILE)
def freeze_child(world: "World", chance: random.Random, seconds: float) -> bool:
    return _freeze(world, "child", seconds)


@fault("child", weight=1, moments=OF_A_JOB, lasts=AWHILE)
def freeze_worker(world: "World", chance: random.Random, seconds: float) -> bool:
    return _freeze(world, "worker", seconds)


@fault("api", weight=1, lasts=AWHILE)
def freeze_api(world: "World", chance: random.Random, seconds: float) -> bool:
    return _freeze(world, "api", seconds, whole_group=True)


@fault("store", weight=2, moments=OF_A_JOB, lasts=AWHILE)
def freeze_store(world: "World", chance: random.Random, seconds: float) -> bool:
    return _freeze(world, "store", seconds)


@fault("users", weight=1, lasts=AWHILE)
def freeze_supervisor(world: "World", chance: random.Random, seconds: float) -> bool:
    return _freeze(world, "supervisor", seconds)


@fault("child", weight=1.5, moments=OF_A_JOB)
def hang_child(world: "World", chance: random.Random, seconds: float) -> bool:
    return world.send("child", signal.SIGSTOP)


@fault("child", weight=1, moments=OF_A_JOB)
def hang_worker(world: "World", chance: random.Random, seconds: float) -> bool:
    return world.send("worker", signal.SIGSTOP)


@fault("api", weight=1)
def hang_api(world: "World", chance: random.Random, seconds: float) -> bool:
    return world.send("api", signal.SIGSTOP, whole_group=True)


@fault("store", weight=1)
def hang_store(world: "World", chance: random.Random, seconds: float) -> bool:
    return world.send("store", signal.SIGSTOP)


@fault("child", weight=2, moments=("stepping",))
def spoil_checkpoint(world: "World", chance: random.Random, seconds: float) -> bool:
    """Damage one or both checkpoints of the jobs that run, and kill the child, so that they are read."""
    for job_id in world.open_jobs():
        checkpoints = JobFolder.of(world.data_dir, job_id).checkpoints_by_step()
        for _, folder in checkpoints[-chance.randint(1, 2) :]:
            files = sorted(path for path in folder.iterdir() if path.is_file())
            with suppress(OSError, IndexError):
                _spoil(chance, chance.choice(files))
                world.history.note("spoiled", job=job_id, folder=folder.name)
    return world.send("child", signal.SIGKILL)


def _spoil(chance: random.Random, path: Path) -> None:
    """Cut it, flip a byte, or remove it: as a disk does, never as a program that writes whole files."""
    how, size = chance.choice(("cut", "flip", "remove")), path.stat().st_size
    if how == "remove":
        path.unlink()
        return
    place = chance.randrange(size)
    with path.open("r+b") as file:
        if how == "cut":
            file.truncate(place)
            return
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ 0xFF]))


def _freeze(world: "World", part: str, seconds: float, *, whole_group: bool = False) -> bool:
    found = world.find(part)
    if found is None or not world.send_to(found, signal.SIGSTOP, whole_group=whole_group):
        return False
    time.sleep(seconds)
    world.send_to(found, signal.SIGCONT, whole_group=whole_group)  # else it has been replaced
    return True
