"""What a fine-tuning came to, as the result of its job keeps it."""

from collections.abc import Mapping
from typing import Any, ClassVar

from shared.reports.rows import RowsUsed
from shared.reports.stored import Stored
from shared.reports.training_facts import Prediction


class MeasuredLoss(Stored):
    """The validation loss after a step; None where it was not a number."""

    lacking: ClassVar[Mapping[str, Any]] = {"loss": None}

    step: int
    loss: float | None


class Training(RowsUsed):
    """What was learned from which rows, in which time. The worker writes one beside the adapter.

    Losses are nats a target token, None where they were not a number. Of the tokens that were computed,
    `trained_tokens` are those that are not padding, and `target_tokens` those that are learned.
    """

    lacking: ClassVar[Mapping[str, Any]] = {
        "adapter": "adapter", "steps": 0, "train_loss": None, "first_train_loss": None,
        "validation_loss": None, "validation": (), "training_seconds": 0.0, "trained_tokens": 0,
        "computed_tokens": 0, "target_tokens": 0, "resumed_from_step": None, "plan": {}, "format": None,
        "instruction": None, "labels": None, "thinking": None, "max_seq_length": None,
    }  # fmt: skip

    adapter: str
    """Its folder within the job's."""
    steps: int
    train_loss: float | None
    """Of the last step."""
    first_train_loss: float | None
    validation_loss: float | None
    """The last of `validation`."""
    validation: tuple[MeasuredLoss, ...]
    training_seconds: float
    trained_tokens: int
    computed_tokens: int
    target_tokens: int
    resumed_from_step: int | None
    plan: dict[str, Any]
    format: str | None
    instruction: str | None
    labels: tuple[str, ...] | None
    thinking: bool | None
    max_seq_length: int | None
    predictions: tuple[Prediction, ...] = ()
    """What was told before the first step, and after 5 % of the run, beside what then happened."""

    @property
    def lowest(self) -> MeasuredLoss | None:
        """The measurement with the lowest validation loss, the first of several."""
        measured = [one for one in self.validation if one.loss is not None]
        return min(measured, key=lambda one: one.loss or 0.0, default=None)


class FineTuning(Training):
    """The result in the job's record: the model's id, too."""

    fine_tuned_model: str
    manifest_sha256: str | None = None
    """Of the adapter's manifest; None where an earlier release kept none."""
