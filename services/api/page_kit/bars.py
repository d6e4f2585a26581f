"""Bars on a scale: one value each, or stretches end to end."""

from collections.abc import Iterable
from dataclasses import dataclass

from services.api.page_kit.scales import Scale


@dataclass(frozen=True)
class Bar:
    """`name` is the word the style sheet colours it by: before, predicted, measured."""

    name: str
    label: str
    amount: float
    """In the unit of its scale; so everywhere here."""
    width: float


@dataclass(frozen=True)
class Segment:
    """A stretch of a bar; `phase` is the word the style sheet colours it by."""

    name: str
    phase: str
    amount: float
    start: float
    width: float

    def has_room(self, drawing_pixels: int) -> bool:
        """Whether its name fits into it in a drawing so wide."""
        return self.width / 100 * drawing_pixels >= 12 + 7 * len(self.name)


def stack(parts: Iterable[tuple[str, str, float]], scale: Scale) -> tuple[Segment, ...]:
    """(name, phase, amount) end to end; a negative part takes no room."""
    segments, passed = [], 0.0
    for name, phase, amount in parts:
        start, passed = scale.percent(passed), passed + max(0.0, amount)
        segments.append(Segment(name, phase, amount, start, round(scale.percent(passed) - start, 2)))
    return tuple(segments)
