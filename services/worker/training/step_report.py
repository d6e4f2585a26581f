"""What a step took and gave: its numbers and the seconds of its phases."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from services.worker.report import JsonValue


@dataclass(frozen=True)
class StepReport:
    """`step` counts from 1. Tokens are this step's: `real` those of its rows, `computed` those put through
    the layers, which padding makes more and a shared prefix fewer; seconds are wall time.

    `phase_seconds` also holds what happened since the step before (a checkpoint, a validation), which
    `step_seconds` leaves out. `utilization` is the share of the device's arithmetic that the step's rows
    needed (MFU), None where that is not known.
    """

    step: int
    total_steps: int
    train_loss: float
    grad_norm: float
    learning_rate: float
    step_seconds: float
    real_tokens: int
    computed_tokens: int
    target_tokens: int
    eta_seconds: float
    phase_seconds: dict[str, float]
    utilization: float | None = None

    @property
    def tokens_per_second(self) -> float:
        return self.real_tokens / self.step_seconds

    def progress(self) -> dict[str, JsonValue]:
        """The fields of a record's progress."""
        return {
            "step": self.step,
            "total_steps": self.total_steps,
            "loss": finite(self.train_loss),
            "step_seconds": self.step_seconds,
            "tokens_per_second": self.tokens_per_second,
            "eta_seconds": self.eta_seconds,
        }

    def metrics(self) -> dict[str, JsonValue]:
        """The content of a metrics event."""
        return {
            "step": self.step,
            "total_steps": self.total_steps,
            "train_loss": finite(self.train_loss),
            "grad_norm": finite(self.grad_norm),
            "learning_rate": self.learning_rate,
            "step_seconds": self.step_seconds,
            "real_tokens": self.real_tokens,
            "computed_tokens": self.computed_tokens,
            "target_tokens": self.target_tokens,
            "tokens_per_second": self.tokens_per_second,
            "eta_seconds": self.eta_seconds,
            "phase_seconds": dict(self.phase_seconds),
        }


def finite(value: float) -> float | None:
    """JSON has no NaN and no infinity."""
    return value if value == value and abs(value) != float("inf") else None


class PhaseClock:
    """Seconds spent in each phase since the last `take`.

    On CUDA the host runs ahead of the device, so phases are bounded by events in its stream and read at
    `take`.
    """

    def __init__(self, device: torch.device) -> None:
        self._on_cuda = device.type == "cuda"
        self._seconds: dict[str, float] = {}
        self._pending: list[tuple[str, torch.cuda.Event, torch.cuda.Event]] = []

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        if self._on_cuda:
            with self._cuda_phase(name):
                yield
            return
        start = time.perf_counter()
        try:
            yield
        finally:
            self._seconds[name] = self._seconds.get(name, 0.0) + time.perf_counter() - start

    def take(self) -> dict[str, float]:
        """The seconds of every phase so far, and forget them."""
        for name, start, end in self._pending:
            end.synchronize()
            self._seconds[name] = self._seconds.get(name, 0.0) + start.elapsed_time(end) / 1000
        taken, self._seconds, self._pending = self._seconds, {}, []
        return taken

    @contextmanager
    def _cuda_phase(self, name: str) -> Iterator[None]:
        start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        try:
            yield
        finally:
            end.record()
            self._pending.append((name, start, end))
