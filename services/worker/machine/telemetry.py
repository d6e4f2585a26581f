"""What the card does, asked of its driver through NVML; without a card, what the processor does instead.

Runs in the worker's main process, so that the figures go on while a job keeps its own process busy. What only
that process knows, its allocator's share of the memory, is recorded there (`record_card_memory`).
"""

import contextlib
import logging
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import psutil
import pynvml

from services.worker import metrics
from services.worker.models.hub.cache_folder import find_cache_folder
from shared.settings import Settings

logger = logging.getLogger(__name__)

PERIOD_SECONDS = 5.0
# Bits of nvmlClocksEventReasons (nvml.h); what slows a card down, without "idle" and "set by an application".
THROTTLE_BITS = {"power": 0x04 | 0x80, "thermal": 0x20 | 0x40, "hardware_slowdown": 0x08}


class Telemetry(Protocol):
    def record(self) -> None:
        """Put the present figures into the metrics; what can't be read keeps out."""


class Card:
    """The first card that the driver shows."""

    def __init__(self, index: int = 0) -> None:
        """Raises pynvml.NVMLError where there is no driver, library or card."""
        pynvml.nvmlInit()
        self._handle = pynvml.nvmlDeviceGetHandleByIndex(index)
        self._gpu = str(index)

    def record(self) -> None:
        if memory := self._ask(pynvml.nvmlDeviceGetMemoryInfo):
            metrics.MEMORY.labels(self._gpu, "total").set(memory.total)
            metrics.MEMORY.labels(self._gpu, "used").set(memory.used)
        if rates := self._ask(pynvml.nvmlDeviceGetUtilizationRates):
            metrics.UTILIZATION.labels(self._gpu).set(rates.gpu / 100)
        if (milliwatts := self._ask(pynvml.nvmlDeviceGetPowerUsage)) is not None:
            metrics.POWER.labels(self._gpu).set(milliwatts / 1000)
        if (megahertz := self._ask(pynvml.nvmlDeviceGetClockInfo, pynvml.NVML_CLOCK_SM)) is not None:
            metrics.CLOCK.labels(self._gpu).set(megahertz * 1e6)
        if (reasons := self._ask(pynvml.nvmlDeviceGetCurrentClocksEventReasons)) is not None:
            for reason, bits in THROTTLE_BITS.items():
                metrics.THROTTLED.labels(self._gpu, reason).set(bool(reasons & bits))

    def _ask(self, question: Callable[..., Any], *arguments: Any) -> Any:
        """None for what this card or driver does not tell: in WSL2 that is a good part."""
        with contextlib.suppress(pynvml.NVMLError):
            return question(self._handle, *arguments)
        return None


class Processor:
    """The machine's processor, in the place of a card."""

    def record(self) -> None:
        metrics.UTILIZATION.labels("cpu").set(psutil.cpu_percent() / 100)
        metrics.MEMORY.labels("cpu", "total").set(psutil.virtual_memory().total)
        if (frequency := psutil.cpu_freq()) is not None:
            metrics.CLOCK.labels("cpu").set(frequency.current * 1e6)


def find_telemetry() -> Telemetry:
    try:
        return Card()
    except pynvml.NVMLError as error:
        logger.info("no card to watch (%s); the metrics show the processor", error)
        return Processor()


def record_cache_disk(cache: Path) -> None:
    """Free space where models are downloaded to, which only the worker mounts."""
    place = next(folder for folder in (cache, *cache.parents) if folder.exists())
    metrics.DISK_FREE.labels("hub_cache").set(shutil.disk_usage(place).free)


def start_telemetry(settings: Settings) -> None:
    """Record every few seconds until the process ends."""

    def work() -> None:
        telemetry = find_telemetry()
        while True:
            try:
                telemetry.record()
                record_cache_disk(find_cache_folder(settings).folder)
            except Exception:
                logger.exception("a round of the telemetry failed")
            time.sleep(PERIOD_SECONDS)

    threading.Thread(target=work, name="telemetry", daemon=True).start()
