"""What a step took and gave: its numbers and the seconds of its phases."""

from dataclasses import dataclass, field

from services.worker.running_job import JsonValue


@dataclass(frozen=True)
class Computed:
    """What one step gave: `good` unless its loss or its gradient is no number; tokens as in `DoneStep`."""

    loss: float
    grad_norm: float
    good: bool
    real_tokens: int
    computed_tokens: int
    target_tokens: int


@dataclass(frozen=True)
class DoneStep:
    """`step` counts from 1. Tokens are this step's: `real` those of its rows, `computed` those put through
    the layers, which padding makes more and a shared prefix fewer; seconds are wall time.

    `phase_seconds`, by `Phase` of shared.reports.training_facts, add up to `step_seconds`. `between_seconds`,
    by `Between`, is what the run did since the step before: a checkpoint, a validation. `utilization` is the
    share of the device's arithmetic that the step's rows needed (MFU), None where that is not known.
    `plan_number` counts the plans that the run followed before this step's.
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
    between_seconds: dict[str, float] = field(default_factory=dict)
    utilization: float | None = None
    plan_number: int = 0

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
            "between_seconds": dict(self.between_seconds),
        }


def finite(value: float) -> float | None:
    """JSON has no NaN and no infinity."""
    return value if value == value and abs(value) != float("inf") else None
