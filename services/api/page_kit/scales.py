"""Scales: where a value stands, in percent of a drawing's width."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

_MOST_TICKS = 4


@dataclass(frozen=True)
class Tick:
    value: float
    at: float


@dataclass(frozen=True)
class Scale:
    """From nothing to `whole`, over the whole width; in seconds, bytes, tokens or what is drawn on it."""

    whole: float

    @classmethod
    def over(cls, values: Iterable[float | None]) -> "Scale":
        """The scale on which the longest of `values` takes the whole width."""
        return cls(max((value for value in values if value is not None), default=0.0))

    def percent(self, value: float) -> float:
        if self.whole <= 0:
            return 0.0
        return round(min(100.0, max(0.0, 100 * value / self.whole)), 2)

    @property
    def ticks(self) -> tuple[Tick, ...]:
        """At round numbers: 1, 2 or 5 times a power of ten apart."""
        if self.whole <= 0:
            return ()
        power = 10.0 ** math.floor(math.log10(self.whole / _MOST_TICKS))
        step = next(step for step in (power, 2 * power, 5 * power, 10 * power) if self._fits(step))
        return tuple(
            Tick(number * step, self.percent(number * step)) for number in range(int(self.whole / step) + 1)
        )

    def _fits(self, step: float) -> bool:
        return self.whole / step <= _MOST_TICKS


@dataclass(frozen=True)
class LogScale:
    """From `low` to `high`, each above 0, by the logarithm."""

    low: float
    high: float

    @classmethod
    def around(cls, value: float, *, low: float, high: float) -> "LogScale":
        """From `low` to `high`, in powers of ten wider where `value` lies beyond."""
        return cls(
            min(low, 10 ** math.floor(math.log10(value))), max(high, 10 ** math.ceil(math.log10(value)))
        )

    def percent(self, value: float) -> float:
        return round(100 * math.log10(value / self.low) / math.log10(self.high / self.low), 2)

    @property
    def minor(self) -> tuple[float, ...]:
        """Where the lines at 1 to 9 times each power of ten stand."""
        powers = range(round(math.log10(self.low)), round(math.log10(self.high)))
        return tuple(self.percent(digit * 10.0**power) for power in powers for digit in range(1, 10))

    @classmethod
    def of_ratios(cls, ratios: Iterable[float]) -> "LogScale":
        """Of factors around 1, in doublings; 1 lies inside."""
        known = [ratio for ratio in ratios if ratio > 0]
        low, high = min([*known, 1.0]), max([*known, 1.0])
        return cls(
            2.0 ** min(-0.5, math.floor(math.log2(low) * 2) / 2), 2.0 ** max(1, math.ceil(math.log2(high)))
        )

    @property
    def doublings(self) -> tuple[Tick, ...]:
        """1/2, 1, 2, 4 … as far as they lie inside."""
        powers = range(math.ceil(math.log2(self.low)), math.floor(math.log2(self.high)) + 1)
        return tuple(Tick(2.0**power, self.percent(2.0**power)) for power in powers)
