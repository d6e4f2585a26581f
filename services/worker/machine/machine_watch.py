"""What the machine did to the steps of a training: memory, processors, and the card."""

from pathlib import Path
from typing import Any

import torch

from services.worker.machine.card_watch import CardWatch
from services.worker.machine.pressure import PressureWatch
from services.worker.machine.processor_use import ProcessorWatch
from services.worker.machine.resources import read_memory
from shared.reports.machine import Memory, Pressure, ProcessorUse
from shared.schemas.frozen import Frozen


class MachineSeen(Frozen):
    """As the fields of `TrainingFacts` of the same names; `card` those of its `DeviceFacts`."""

    machine_memory: Memory
    pressure: Pressure
    processor: ProcessorUse
    card: dict[str, Any]


class MachineWatch:
    """Begins to watch when it is made. `root` is another machine's recorded /proc and /sys, `card` what looks
    at another card than the device's own.
    """

    def __init__(
        self, device: torch.device, *, root: Path = Path("/"), card: CardWatch | None = None
    ) -> None:
        self._memory = read_memory(root)
        self._pressure = PressureWatch(root)
        self._processor = ProcessorWatch(torch.get_num_threads(), root)
        self._card = card or CardWatch.of(device)

    def look(self) -> None:
        """At the card; to be called now and then while it works."""
        self._card.look()

    def read(self) -> MachineSeen:
        return MachineSeen(
            machine_memory=self._memory,
            pressure=self._pressure.read(),
            processor=self._processor.read(),
            card=_card_facts(self._card),
        )


def _card_facts(watch: CardWatch) -> dict[str, Any]:
    if not watch.looks:
        return {}
    first, last = watch.looks[0], watch.looks[-1]
    free = [
        look.card.memory_bytes - look.card.used_bytes
        for look in watch.looks
        if look.card.memory_bytes is not None and look.card.used_bytes is not None
    ]
    return {
        "power_watts": last.card.power_watts,
        "power_limit_watts": last.card.power_limit_watts,
        "temperature_celsius": last.card.temperature_celsius,
        "clock_hertz": watch.clock_hertz,
        "clock_start_hertz": watch.clock_start_hertz,
        "throttle_reasons": watch.reasons,
        "memory_bytes": last.card.memory_bytes,
        "free_bytes": min(free, default=None),
        "shared_memory_start_bytes": first.spilled_bytes,
        "shared_memory_bytes": max(look.spilled_bytes for look in watch.looks),
        "other_processes_bytes": last.others_bytes,
    }
