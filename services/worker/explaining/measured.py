"""What the trials of a diagnosis measured, as steps of the user's own run."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.worker.explaining.intervals import Interval
from services.worker.explaining.rounds import Rounds
from services.worker.explaining.row_lengths import computed
from services.worker.explaining.settings_arm import AS_CONFIGURED
from services.worker.explaining.trial_arms import TrialArms
from shared.training_settings.settings import TrainingSettings


@dataclass(frozen=True)
class Measured:
    """All that the costs are made from. Seconds are of one step; `optimizer_seconds` of its update alone."""

    settings: TrainingSettings
    trials: TrialArms
    rounds: Rounds
    lengths: Sequence[int]
    optimizer_seconds: float
    total_steps: int
    rows_per_step: int
    layers: int

    @property
    def step_seconds(self) -> float:
        return self.computing_seconds + self.optimizer_seconds

    @property
    def computing_seconds(self) -> float:
        """Of the settings' own step, without the update."""
        tokens = self.rows_per_step * self.tokens_of_a_row(self.settings)
        return tokens * self.rounds.token_seconds(AS_CONFIGURED)

    def ratio(self, name: str) -> Interval:
        """How many times faster an arm computes the rows of the whole data set than the settings' own does.

        Of the paired rounds, which is surer than that of two medians, by token; and by the tokens that the
        two compute for the whole data set.
        """
        interval = self.rounds.ratio(AS_CONFIGURED, name)
        scale = self.tokens_of_a_row(self.settings) / self._tokens_of_a_row_by(name)
        return Interval(interval.median * scale, interval.low * scale, interval.high * scale, interval.rounds)

    def seconds(self, name: str) -> float:
        """A whole step by an arm: its rows and the update."""
        return self.computing_seconds / self.ratio(name).median + self.optimizer_seconds

    def _tokens_of_a_row_by(self, name: str) -> float:
        """By an arm that is nobody's settings, a plan's, as many as for the rows that were tried."""
        settings = self.trials.settings.get(name)
        if settings is None:
            return self.rounds.computed_tokens_of_a_row(name)
        return self.tokens_of_a_row(settings)

    def tokens_of_a_row(self, settings: TrainingSettings) -> float:
        """Computed tokens over the whole data set, by row."""
        return computed(self.lengths, settings, settings.padding).tokens / len(self.lengths)
