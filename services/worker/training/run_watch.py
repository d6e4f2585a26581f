"""What an attempt at a run came to: its seconds by what they were for, and the memory that it held."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from services.worker.machine.peak_memory import PeakMemory, bytes_now
from services.worker.training.checkpoints import Snapshot
from services.worker.training.done_step import DoneStep
from services.worker.training.run_state import RunState
from shared.reports.training_facts import RunPart

_NAMED: tuple[RunPart, ...] = ("validation", "saving", "reporting")


@dataclass(frozen=True)
class Happened:
    """Of one attempt: `run_seconds` from before its first step to after its last, with all that lies between
    them; `part_seconds` are what they add up from.
    """

    step_seconds: float
    run_seconds: float
    peak_bytes: int | None
    part_seconds: Mapping[RunPart, float]


class RunWatch:
    """Watches one attempt's steps, from when it is made."""

    def __init__(self, device: torch.device, resumed: Snapshot | None) -> None:
        self._before = RunState.of(resumed.state["run"]) if resumed else RunState()
        bytes_now(device)  # what predictions left free is given back
        self._memory = PeakMemory(device)
        self._memory.restart()
        self._between = dict[str, float]()
        self._started = time.perf_counter()

    def watching(self, observe: Callable[[DoneStep], None]) -> Callable[[DoneStep], None]:
        """`observe`, while this watch sees what lay before each step."""

        def both(step: DoneStep) -> None:
            self._add(step.between_seconds)
            observe(step)

        return both

    def happened(self, state: RunState, after_seconds: Mapping[str, float]) -> Happened | None:
        """None where the attempt made no step. `after_seconds`, by `Between`, lay after its last one."""
        seconds, steps = time.perf_counter() - self._started, state.step - self._before.step
        if not steps:
            return None
        self._add(after_seconds)
        in_steps = state.seconds - self._before.seconds
        parts: dict[RunPart, float] = {"steps": in_steps}
        parts |= {name: self._between.get(name, 0.0) for name in _NAMED}
        parts["other"] = max(0.0, seconds - sum(parts.values()))
        return Happened(in_steps / steps, seconds, self._memory.read(), parts)

    def _add(self, seconds: Mapping[str, float]) -> None:
        for name, more in seconds.items():
            self._between[name] = self._between.get(name, 0.0) + more
