"""What a run has done so far, as a checkpoint keeps it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from services.worker.training.done_step import Computed, finite


@dataclass(frozen=True)
class RunState:
    """Beside the weights and the optimizer, all that a run carries from step to step.

    `train_loss` is the last step's and `first_train_loss` the first one's, None if it was not a number;
    `validation` holds (step, loss) pairs; tokens and seconds are of the whole run, over all attempts.
    """

    step: int = 0
    train_loss: float | None = None
    first_train_loss: float | None = None
    validation: tuple[tuple[int, float], ...] = ()
    bad_steps: int = 0
    real_tokens: int = 0
    computed_tokens: int = 0
    target_tokens: int = 0
    seconds: float = 0.0

    def after(self, computed: Computed, seconds: float) -> "RunState":
        """With one step more, which took `seconds`."""
        loss = finite(computed.loss)
        return replace(
            self,
            step=self.step + 1,
            train_loss=loss,
            first_train_loss=self.first_train_loss if self.step else loss,
            bad_steps=0 if computed.good else self.bad_steps + 1,
            real_tokens=self.real_tokens + computed.real_tokens,
            computed_tokens=self.computed_tokens + computed.computed_tokens,
            target_tokens=self.target_tokens + computed.target_tokens,
            seconds=self.seconds + seconds,
        )

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, fields: Mapping[str, Any]) -> "RunState":
        history = tuple((step, loss) for step, loss in fields["validation"])
        return cls(**{**fields, "validation": history})
