"""Bars on one scale: where each begins and ends, in percent of the drawing's width."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

PHASES = {
    "resolve": "config, tokenizer, file headers",
    "read": "weight files into memory",
    "deserialize": "tensors out of the files, cast",
    "quantize": "to 4 bits",
    "move": "to the device",
    "rest": "building the modules, imports",
}
_MOST_TICKS = 4


@dataclass(frozen=True)
class Segment:
    """A stretch of a bar; `phase` is the word the style sheet colours it by."""

    name: str
    phase: str
    seconds: float
    start: float
    width: float

    def has_room(self, drawing_pixels: int) -> bool:
        """Whether its name fits into it in a drawing so wide."""
        return self.width / 100 * drawing_pixels >= 12 + 7 * len(self.name)


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


def phases_of(phase_seconds: Iterable[Mapping[str, float]]) -> tuple[str, ...]:
    """Every phase that is timed anywhere, in the order of a load; words of other releases come last."""
    named = {name for seconds in phase_seconds for name in seconds}
    return (*(name for name in PHASES if name in named), *sorted(named - PHASES.keys()))


def stack(parts: Iterable[tuple[str, str, float]], scale: Scale) -> tuple[Segment, ...]:
    """(name, phase, seconds) end to end; a negative part takes no room."""
    segments, passed = [], 0.0
    for name, phase, seconds in parts:
        start, passed = scale.percent(passed), passed + max(0.0, seconds)
        segments.append(Segment(name, phase, seconds, start, round(scale.percent(passed) - start, 2)))
    return tuple(segments)


def stack_phases(phase_seconds: Mapping[str, float], scale: Scale) -> tuple[Segment, ...]:
    """One segment a phase, in the order of a load."""
    return stack(
        (
            (name, name if name in PHASES else "other", phase_seconds[name])
            for name in phases_of([phase_seconds])
        ),
        scale,
    )
