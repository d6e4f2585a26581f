"""Arms in turns: the same rows through each of them, in another order each round, until it is known."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

from services.worker.explaining.arm import Arm, ArmSteps, Timed
from services.worker.explaining.intervals import Interval, paired_ratio
from services.worker.text.marked_text import TokenRow

LEAST_ROUNDS = 5
SURE = 0.05  # an arm is known once its interval is within so much of its median
DISTURBED = 0.9  # of the most processor seconds a second that the arm was seen with


@dataclass
class Rounds:
    """`timed[name]` has one entry a round for each arm, in the order of the rounds."""

    timed: dict[str, list[Timed]] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return min(map(len, self.timed.values()), default=0)

    def ratio(self, as_is: str, changed: str) -> Interval:
        """How many times faster `changed` is, over the rounds that nothing else disturbed."""
        pairs = list(zip(self.timed[as_is], self.timed[changed], strict=False))
        calm = [pair for pair in pairs if all(map(self._calm, (as_is, changed), pair))]
        used = calm if len(calm) >= LEAST_ROUNDS else pairs
        return paired_ratio(
            [before.seconds_of_a_row for before, _ in used], [after.seconds_of_a_row for _, after in used]
        )

    def seconds(self, name: str, rows: int) -> float:
        """What so many rows take, by the median of an arm's rounds; without the optimizer."""
        return rows * median(timed.seconds_of_a_row for timed in self.timed[name])

    def computed_tokens_of_a_row(self, name: str) -> float:
        return sum(timed.computed_tokens for timed in self.timed[name]) / sum(
            timed.rows for timed in self.timed[name]
        )

    def peak_bytes(self, name: str) -> int | None:
        peaks = [timed.peak_bytes for timed in self.timed[name] if timed.peak_bytes is not None]
        return max(peaks, default=None)

    def _calm(self, name: str, timed: Timed) -> bool:
        """Whether the process got as much of the processor as it ever did in this arm."""
        shares = [each.processor_seconds / each.seconds for each in self.timed[name]]
        return timed.processor_seconds / timed.seconds >= DISTURBED * max(shares)


def measure_rounds(
    arms: Sequence[ArmSteps],
    units: Sequence[Sequence[TokenRow]],
    *,
    until: float,
    seed: int = 0,
    tick: Callable[[], None] = lambda: None,
    told: Callable[[int], None] = lambda rounds: None,
) -> Rounds:
    """Each round puts the next unit through every arm, or as many of its first rows as the arm takes; the
    first of `arms` is what they are compared with.

    A first round is thrown away: it makes what later ones find. At least `LEAST_ROUNDS` rounds, so that there
    is an interval, whatever the time (`until`, by `time.monotonic`); then until every arm is sure or time is
    up.
    """
    rounds, draw, reference = Rounds({steps.arm.name: [] for steps in arms}), random.Random(seed), arms[0]
    for steps in arms:
        steps(steps.arm.rows_of(units[0]), tick)
    while rounds.count < LEAST_ROUNDS or (time.monotonic() < until and not _sure(rounds, reference.arm)):
        unit = units[rounds.count % len(units)]
        for steps in draw.sample(list(arms), len(arms)):
            rounds.timed[steps.arm.name].append(steps(steps.arm.rows_of(unit), tick))
        told(rounds.count)
    return rounds


def _sure(rounds: Rounds, reference: Arm) -> bool:
    others = [name for name in rounds.timed if name != reference.name]
    return all(rounds.ratio(reference.name, name).width <= SURE for name in others)
