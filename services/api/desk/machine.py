"""The machine at a glance: the disks that files go to, its memory, and what the workers compute on."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from services.api.page_kit.scales import Scale
from services.api.service import Service
from shared.errors import StoreUnavailable
from shared.job_records import WorkerState
from shared.messages.message import say
from shared.messages.render import told

_MEMORY = Path("/proc/meminfo")
_NEARLY_FULL = 0.9


@dataclass(frozen=True)
class Gauge:
    """How much of something is used; `width` in percent. `is_low`: little is left."""

    label: str
    words: str
    width: float
    is_low: bool


@dataclass(frozen=True)
class Device:
    """What a worker computes on, and the base model that it keeps in memory."""

    name: str
    resident_model: str


@dataclass(frozen=True)
class Machine:
    gauges: tuple[Gauge, ...]
    devices: tuple[Device, ...]


def machine_of(service: Service) -> Machine:
    """What can't be read is left out."""
    try:
        workers = service.store.workers()
    except StoreUnavailable:
        workers = []
    return Machine((*_disks(service), *_memory(), *_cards(workers)), tuple(_devices(workers)))


def free_bytes(service: Service) -> int | None:
    """Of the data folder's disk."""
    try:
        return shutil.disk_usage(service.settings.data_dir).free
    except OSError:
        return None


def _disks(service: Service) -> Iterator[Gauge]:
    """Each disk once, by the first of the folders that lie on it."""
    folders = {"data": service.settings.data_dir, **service.settings.storages}
    seen: set[int] = set()
    for name, folder in folders.items():
        try:
            disk, usage = folder.stat().st_dev, shutil.disk_usage(folder)
        except OSError:
            continue  # in containers the worker alone may have it
        if disk in seen:
            continue
        seen.add(disk)
        used = usage.total - usage.free
        low = usage.free < 2 * service.settings.min_free_bytes or used > _NEARLY_FULL * usage.total
        yield _gauge(told(say("disk-of-folder-label", folder=name)), used, usage.total, is_low=low)


def _memory() -> Iterator[Gauge]:
    """Main memory, as Linux tells it; the page cache counts as free."""
    try:
        lines = dict(line.split(":", 1) for line in _MEMORY.read_text().splitlines())
        total, free = (int(lines[name].split()[0]) * 1024 for name in ("MemTotal", "MemAvailable"))
    except (OSError, ValueError, KeyError):
        return
    yield _gauge(
        told(say("main-memory-label")), total - free, total, is_low=total - free > _NEARLY_FULL * total
    )


def _cards(workers: list[WorkerState]) -> Iterator[Gauge]:
    """The memory of each worker's card, where its worker tells it."""
    for worker in workers:
        used, total = (worker.fields.get(f"card_{name}_bytes", "") for name in ("used", "total"))
        if used.isdecimal() and total.isdecimal() and int(total):
            yield _gauge(told(say("card-memory-label")), int(used), int(total), is_low=False)


def _devices(workers: list[WorkerState]) -> Iterator[Device]:
    for worker in workers:
        if device := worker.fields.get("device"):
            yield Device(device, worker.fields.get("resident_model", ""))


def _gauge(label: str, used: int, total: int, *, is_low: bool) -> Gauge:
    words = told(say("free-of-whole-row", free_bytes=total - used, total_bytes=total))
    return Gauge(label, words, Scale(total).percent(used), is_low)
