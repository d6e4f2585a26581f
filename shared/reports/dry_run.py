"""What a fine-tuning would take, as the result of a dry run keeps it: nothing was trained."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from shared.reports.rows import RowsUsed
from shared.reports.training_facts import MemoryParts, Prediction, TokenCounts


class DryRun(RowsUsed):
    """Seconds are predicted, and null where the model could not be tried (an event says why)."""

    lacking: ClassVar[Mapping[str, Any]] = {"dry_run": True, "plan": {}, "steps": 0}

    dry_run: Literal[True] = True
    model: str
    steps: int
    rows_per_step: int
    tokens: TokenCounts
    max_seq_length: int | None = None
    plan: dict[str, Any]
    """With the reason for each speed-up that is not used."""
    memory: MemoryParts = MemoryParts()
    step_seconds: float | None = None
    """On average."""
    run_seconds: float | None = None
    """All steps and validations."""
    predictions: tuple[Prediction, ...] = ()

    @property
    def fits(self) -> bool | None:
        """Whether the predicted peak is within what there is; None where either is not known."""
        if self.memory.peak is None or self.memory.limit is None:
            return None
        return self.memory.peak <= self.memory.limit
