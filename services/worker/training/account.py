"""What one attempt at a run came to beside its result, and who keeps it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from services.worker.computing.plan.plan import Plan
from services.worker.phase_clock import PhaseClock
from services.worker.text.rows import TokenRows
from services.worker.training.run_state import RunState
from shared.reports.training_facts import MemoryParts, Prediction


@dataclass(frozen=True)
class RunAccount:
    """`state` is of the whole run, over all attempts; `after_seconds`, by `Between`, are of this attempt,
    after its last step.
    """

    plan: Plan
    rows: TokenRows
    validation_rows: int
    state: RunState
    total_steps: int
    rows_per_step: int
    adapter_parameters: int
    predictions: tuple[Prediction, ...]
    memory: MemoryParts | None
    """As it was foretold."""
    after_seconds: Mapping[str, float]


class Bookkeeper(Protocol):
    """Keeps the account of a run. Nothing here may raise: the run is what counts."""

    stages: PhaseClock
    """By `Stage` of shared.reports.training_facts, of this attempt."""

    def steps_begin(self) -> None:
        """The steps follow."""

    def published(self, account: RunAccount) -> None:
        """The adapter has its name."""


class NoBookkeeper:
    """For runs outside any job."""

    def __init__(self) -> None:
        self.stages = PhaseClock()

    def steps_begin(self) -> None:
        return

    def published(self, account: RunAccount) -> None:
        return
