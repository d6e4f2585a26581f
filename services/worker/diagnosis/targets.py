"""How fast the other places of this installation deliver weights: measured before anything is moved there."""

import os
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from services.worker.diagnosis.read_speed import measure_read_speed
from shared.messages.message import say
from shared.reports.load_facts import Target
from shared.reports.machine import ReadSpeed
from shared.settings import OWN_CACHE
from shared.storage import storage_of

# Enough that each way of reading has a third of a second of a disk of 500 MB/s: beginnings are too fast.
PROBE_BYTES = 512 * 1024**2
WRITE_SECONDS = 4.0
PROBE_SECONDS = 2.0
_PIECE_BYTES = 16 * 1024**2
_SPARE_BYTES = 1024**3
_MADE_WHEN_NEEDED = ("data", OWN_CACHE)


def measure_targets(
    places: Mapping[str, Path], weights: Path, speed: ReadSpeed | None, tick: Callable[[], None]
) -> tuple[Target, ...]:
    """One `Target` for each of `places`. What lies on the disk of `weights` has the speed measured there.

    Elsewhere a file of 512 MiB, or what can be written in 4 s, is written, read and removed; not where that
    would leave less than 1 GiB free.
    `tick` is called between two reads and may raise. A place that can't be measured says why.
    """
    own_device = weights.resolve().stat().st_dev
    found = []
    for name, folder in places.items():
        try:
            if (
                name not in _MADE_WHEN_NEEDED and not folder.is_dir()
            ):  # not mounted: what lies there is another
                absent = say("no-target-folder-piece", folder=folder)
                found.append(Target(name=name, folder=str(folder), reason=absent))
            elif speed is not None and _device(folder) == own_device:
                found.append(_target(name, folder, speed, in_memory=False))
            else:
                found.append(_probed(name, folder, tick))
        except OSError as error:
            failed = say("target-failed-piece", folder=folder, error=error.strerror)
            found.append(Target(name=name, folder=str(folder), reason=failed))
    return tuple(found)


def _probed(name: str, folder: Path, tick: Callable[[], None]) -> Target:
    existing = _existing(folder)
    in_memory = storage_of(existing).storage_class == "memory"
    free = os.statvfs(existing)
    if free.f_bavail * free.f_frsize < (needed := PROBE_BYTES + _SPARE_BYTES):
        return Target(name=name, folder=str(folder), reason=say("target-full-piece", needed_bytes=needed))
    with tempfile.TemporaryFile(dir=existing) as probe:  # without a name: a killed worker leaves nothing
        piece = os.urandom(_PIECE_BYTES)  # nothing that a filesystem could compress
        end = time.monotonic() + WRITE_SECONDS
        for _ in range(PROBE_BYTES // _PIECE_BYTES):
            probe.write(piece)
            probe.flush()
            os.fsync(probe.fileno())
            tick()
            if time.monotonic() > end:
                break
        path = Path(f"/proc/self/fd/{probe.fileno()}")
        speed = measure_read_speed([path], in_memory=in_memory, seconds=PROBE_SECONDS, tick=tick)
    return _target(name, folder, speed, in_memory=in_memory)


def _target(name: str, folder: Path, speed: ReadSpeed, *, in_memory: bool) -> Target:
    rate = speed.warm.bytes_per_second if in_memory else speed.limit_bytes_per_second
    reason = None if rate else speed.buffered.reason
    return Target(name=name, folder=str(folder), limit_bytes_per_second=rate, reason=reason)


def _device(folder: Path) -> int:
    return _existing(folder).stat().st_dev


def _existing(folder: Path) -> Path:
    """The folder, or the nearest above it that is there already."""
    return next(path for path in (folder, *folder.absolute().parents) if path.is_dir())
