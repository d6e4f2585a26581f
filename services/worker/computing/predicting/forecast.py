"""What a run will take: seconds step by step, and memory at its peak."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from services.worker.computing.batching import Schedule
from services.worker.computing.plan.plan import Plan
from services.worker.computing.predicting.counted_memory import MicroBatchBytes, count_micro_batch
from services.worker.computing.predicting.step_list import batches_of, list_steps
from services.worker.computing.predicting.timed_layers import MicroBatchSeconds, time_micro_batches
from services.worker.computing.predicting.trial import Trial
from services.worker.computing.validation import ROWS_AT_ONCE
from services.worker.text.marked_text import TokenRow


@dataclass(frozen=True)
class Forecast:
    """Of the steps from `first` to before `total`; `listed` are the seconds of as many as were looked at.

    `validation_seconds` are those of one pass over the rows that are not learned, made `validations` times.
    """

    first: int
    total: int
    listed: tuple[float, ...]
    micro_batch: MicroBatchBytes
    layers: int
    """That were timed."""
    padded_ratio: float = 1.0
    """Computed ÷ real tokens of the steps that were looked at."""
    validation_seconds: float = 0.0
    validations: int = 0

    @cached_property
    def mean_step_seconds(self) -> float:
        return sum(self.listed) / len(self.listed)

    def step_seconds(self, step: int) -> float:
        """Of `step`, which counts from 0."""
        place = step - self.first
        return self.listed[place] if 0 <= place < len(self.listed) else self.mean_step_seconds

    def rest(self, step: int) -> float:
        """Of `step` and all after it, without validation."""
        listed = self.listed[step - self.first :]
        return sum(listed) + self.mean_step_seconds * (self.total - step - len(listed))


def forecast(
    trial: Trial, *, first: int, optimizer_seconds: float, validation: Sequence[TokenRow], before: int
) -> Forecast:
    """Runs a few layers on the run's own rows; some seconds. At least one step must be due. `before` is what
    the device held before anything was tried, in bytes.

    Raises what the model's forward raises, memory that does not suffice included, and what `trial.tick` does.
    """
    steps = list_steps(trial.rows, trial.schedule, trial.plan, first=first)
    held = count_micro_batch(trial, steps, before)
    seconds = time_micro_batches(trial, steps)
    return Forecast(
        first=first,
        total=steps.total,
        listed=tuple(
            optimizer_seconds + sum(seconds.whole(size.computed) for size in step) for step in steps.steps
        ),
        micro_batch=held,
        layers=seconds.layers,
        padded_ratio=steps.padded_ratio,
        validation_seconds=_validation_seconds(validation, trial.plan, seconds),
        validations=_validations(trial.schedule, first) if validation else 0,
    )


def _validation_seconds(rows: Sequence[TokenRow], plan: Plan, seconds: MicroBatchSeconds) -> float:
    """Of the first rows that are computed together, and of as many others in proportion."""
    together = rows[:ROWS_AT_ONCE]
    if not together:
        return 0.0
    took = sum(seconds.forward(batch.computed_tokens) for batch in batches_of(together, plan))
    return took * len(rows) / len(together)


def _validations(schedule: Schedule, first: int) -> int:
    """Each epoch ends with one, and the run does."""
    every, total = schedule.steps_per_epoch, schedule.total_steps
    return total // every - first // every + (1 if total % every else 0)
