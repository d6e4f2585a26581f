"""Scales: where a value stands, in percent of a drawing's width."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

_MOST_TICKS = 4


@dataclass(frozen=True)
class Tick:
    seconds: float
    at: float


@dataclass(frozen=True)
class Scale:
    """From nothing to `seconds`, over the whole width."""

    seconds: float

    @classmethod
    def over(cls, values: Iterable[float | None]) -> "Scale":
        """The scale on which the longest of `values` takes the whole width."""
        return cls(max((value for value in values if value is not None), default=0.0))

    def percent(self, seconds: float) -> float:
        if self.seconds <= 0:
            return 0.0
        return round(min(100.0, max(0.0, 100 * seconds / self.seconds)), 2)

    @property
    def ticks(self) -> tuple[Tick, ...]:
        """At round numbers: 1, 2 or 5 times a power of ten apart."""
        if self.seconds <= 0:
            return ()
        power = 10.0 ** math.floor(math.log10(self.seconds / _MOST_TICKS))
        step = next(step for step in (power, 2 * power, 5 * power, 10 * power) if self._fits(step))
        return tuple(
            Tick(number * step, self.percent(number * step)) for number in range(int(self.seconds / step) + 1)
        )

    def _fits(self, step: float) -> bool:
        return self.seconds / step <= _MOST_TICKS


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
