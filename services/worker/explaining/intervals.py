"""How sure a ratio of paired times is."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

DRAWS = 1000
SHARE = 0.95


@dataclass(frozen=True)
class Interval:
    """A median of paired ratios with the interval that holds it with `SHARE` confidence."""

    median: float
    low: float
    high: float
    rounds: int

    @property
    def width(self) -> float:
        """The interval's half, as a share of the median."""
        return (self.high - self.low) / 2 / self.median


def paired_ratio(as_is: Sequence[float], changed: Sequence[float]) -> Interval:
    """as_is ÷ changed, round by round: each round's two times were taken one after the other, so what slowed
    both down falls out.

    The interval is the percentile bootstrap (Efron 1979) over rounds, drawn with a fixed seed. Raises
    ValueError without a round.
    """
    ratios = [before / after for before, after in zip(as_is, changed, strict=True)]
    if not ratios:
        raise ValueError("no round was measured")
    draw = random.Random(0)
    medians = sorted(median(draw.choices(ratios, k=len(ratios))) for _ in range(DRAWS))
    beyond = int(DRAWS * (1 - SHARE) / 2)
    return Interval(median(ratios), medians[beyond], medians[-1 - beyond], len(ratios))
