"""What one attempt at a run is to do, what it came to beside its result, and who keeps that."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from services.worker.computing.plan.plan import Plan
from services.worker.phase_clock import PhaseClock
from services.worker.text.rows import TokenRows
from services.worker.training.run_state import RunState
from shared.reports.training_facts import MemoryParts, Prediction


@dataclass(frozen=True)
class RunOutline:
    """What is known of a run before its first step; `predictions` and `memory` are as they were foretold."""

    plan: Plan
    rows: TokenRows
    validation_rows: int
    total_steps: int
    rows_per_step: int
    adapter_parameters: int
    predictions: tuple[Prediction, ...]
    memory: MemoryParts | None


@dataclass(frozen=True)
class RunAccount:
    """`plan` is that of the last step, `state` of the whole run, over all attempts; `after_seconds`, by
    `Between`, are of this attempt, after its last step. `predictions` have what happened beside them.
    """

    outline: RunOutline
    plan: Plan
    state: RunState
    predictions: tuple[Prediction, ...]
    after_seconds: Mapping[str, float]


class Bookkeeper(Protocol):
    """Keeps the account of a run. Nothing here may raise: the run is what counts."""

    stages: PhaseClock
    """By `Stage` of shared.reports.training_facts, of this attempt."""

    def steps_begin(self, outline: RunOutline) -> None:
        """The steps follow."""

    def published(self, account: RunAccount) -> None:
        """The adapter has its name."""


class NoBookkeeper:
    """For runs outside any job."""

    def __init__(self) -> None:
        self.stages = PhaseClock()

    def steps_begin(self, outline: RunOutline) -> None:
        return

    def published(self, account: RunAccount) -> None:
        return
