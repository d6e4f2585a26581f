"""What a card is at this moment, asked of its driver through NVML.

WSL2, laptops and old drivers do not tell a good part of it: each figure is asked for by itself, and is None
where there is no answer.
"""

import contextlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pynvml

# Bits of nvmlClocksEventReasons (nvml.h); what slows a card down, without "idle" and "set by an application".
THROTTLE_BITS = {"power": 0x04 | 0x80, "thermal": 0x20 | 0x40, "hardware_slowdown": 0x08}
IDLE_BIT = 0x01


@dataclass(frozen=True)
class CardState:
    """Memory is the whole card's; `reasons` are those of `THROTTLE_BITS` that hold."""

    clock_hertz: float | None = None
    power_watts: float | None = None
    power_limit_watts: float | None = None
    temperature_celsius: float | None = None
    utilization_ratio: float | None = None
    memory_bytes: int | None = None
    used_bytes: int | None = None
    others_bytes: int | None = None
    """Of other processes; None where the driver does not list them, or under numbers of another namespace."""
    reasons: tuple[str, ...] | None = None
    idle: bool = False


class Card:
    """One card of those that the driver shows."""

    def __init__(self, *, index: int = 0, uuid: str | None = None) -> None:
        """`uuid` goes before `index`: what a process sees as its first card need not be the machine's.

        Raises pynvml.NVMLError where there is no driver, library or card.
        """
        pynvml.nvmlInit()
        if uuid is None:
            self._handle = pynvml.nvmlDeviceGetHandleByIndex(index)
        else:
            self._handle = pynvml.nvmlDeviceGetHandleByUUID(
                uuid if uuid.startswith("GPU-") else f"GPU-{uuid}"
            )

    def read(self) -> CardState:
        memory = self._ask(pynvml.nvmlDeviceGetMemoryInfo)
        rates = self._ask(pynvml.nvmlDeviceGetUtilizationRates)
        bits = self._ask(pynvml.nvmlDeviceGetCurrentClocksEventReasons)
        return CardState(
            clock_hertz=_scaled(self._ask(pynvml.nvmlDeviceGetClockInfo, pynvml.NVML_CLOCK_SM), 1e6),
            power_watts=_scaled(self._ask(pynvml.nvmlDeviceGetPowerUsage), 1e-3),
            power_limit_watts=_scaled(self._ask(pynvml.nvmlDeviceGetEnforcedPowerLimit), 1e-3),
            temperature_celsius=_scaled(
                self._ask(pynvml.nvmlDeviceGetTemperature, pynvml.NVML_TEMPERATURE_GPU), 1
            ),
            utilization_ratio=rates.gpu / 100 if rates else None,
            memory_bytes=memory.total if memory else None,
            used_bytes=memory.used if memory else None,
            others_bytes=others_of(self._processes(), os.getpid()),
            reasons=None if bits is None else throttled_by(bits),
            idle=bool(bits is not None and bits & IDLE_BIT),
        )

    def _processes(self) -> dict[int, int]:
        """Bytes by process, of those that the driver tells both of."""
        listed = [
            *(self._ask(pynvml.nvmlDeviceGetComputeRunningProcesses) or ()),
            *(self._ask(pynvml.nvmlDeviceGetGraphicsRunningProcesses) or ()),
        ]
        return {one.pid: one.usedGpuMemory for one in listed if one.usedGpuMemory is not None}

    def _ask(self, question: Callable[..., Any], *arguments: Any) -> Any:
        with contextlib.suppress(pynvml.NVMLError):
            return question(self._handle, *arguments)
        return None


def others_of(processes: Mapping[int, int], own: int) -> int | None:
    """Bytes of those beside `own`, which must be among them: else the numbers mean other processes."""
    if own not in processes:
        return None
    return sum(bytes_ for process, bytes_ in processes.items() if process != own)


def throttled_by(bits: int) -> tuple[str, ...]:
    """The reasons in NVML's bits that slow a card down."""
    return tuple(reason for reason, mask in THROTTLE_BITS.items() if bits & mask)


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor
