"""What the card does, asked of its driver through NVML; without a card, what the processor does instead.

Runs in the worker's main process, so that the figures go on while a job keeps its own process busy. What only
that process knows, its allocator's share of the memory, is recorded there (`record_card_memory`).
"""

import logging
import shutil
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import psutil
import pynvml

from services.worker import metrics  # the first to import prometheus_client: see `metrics_files`
from services.worker.machine.card import THROTTLE_BITS, Card
from services.worker.models.hub.cache_folder import find_cache_folder
from shared.settings import Settings
from shared.steady_thread import SteadyThread

if TYPE_CHECKING:
    from prometheus_client import Gauge

logger = logging.getLogger(__name__)

PERIOD_SECONDS = 5.0


class Telemetry(Protocol):
    def record(self) -> None:
        """Put the present figures into the metrics; what can't be read keeps out."""


class CardTelemetry:
    """The first card that the driver shows."""

    def __init__(self, index: int = 0) -> None:
        """Raises pynvml.NVMLError where there is no driver, library or card."""
        self._card, self._gpu = Card(index=index), str(index)

    def record(self) -> None:
        state = self._card.read()
        _set(metrics.MEMORY.labels(self._gpu, "total"), state.memory_bytes)
        _set(metrics.MEMORY.labels(self._gpu, "used"), state.used_bytes)
        _set(metrics.UTILIZATION.labels(self._gpu), state.utilization_ratio)
        _set(metrics.POWER.labels(self._gpu), state.power_watts)
        _set(metrics.CLOCK.labels(self._gpu), state.clock_hertz)
        if state.reasons is not None:
            for reason in THROTTLE_BITS:
                metrics.THROTTLED.labels(self._gpu, reason).set(reason in state.reasons)


class Processor:
    """The machine's processor, in the place of a card."""

    def record(self) -> None:
        metrics.UTILIZATION.labels("cpu").set(psutil.cpu_percent() / 100)
        metrics.MEMORY.labels("cpu", "total").set(psutil.virtual_memory().total)
        if (frequency := psutil.cpu_freq()) is not None:
            metrics.CLOCK.labels("cpu").set(frequency.current * 1e6)


def _set(gauge: "Gauge", value: float | None) -> None:
    """What the card does not tell stays out."""
    if value is not None:
        gauge.set(value)


def find_telemetry() -> Telemetry:
    try:
        return CardTelemetry()
    except pynvml.NVMLError as error:
        logger.info("no card to watch (%s); the metrics show the processor", error)
        return Processor()


def record_cache_disk(cache: Path) -> None:
    """Free space where models are downloaded to, which only the worker mounts."""
    place = next(folder for folder in (cache, *cache.parents) if folder.exists())
    metrics.DISK_FREE.labels("hub_cache").set(shutil.disk_usage(place).free)


def start_telemetry(settings: Settings) -> None:
    """Record every few seconds until the process ends."""

    telemetry = cache(find_telemetry)

    def record() -> float:
        telemetry().record()
        record_cache_disk(find_cache_folder(settings).folder)
        return PERIOD_SECONDS

    SteadyThread("telemetry", record).start()
