"""Plots of one number against another: dots and lines in percent of a drawing's width and height."""

from collections.abc import Iterable
from dataclasses import dataclass

from services.api.page_kit.scales import Scale


@dataclass(frozen=True)
class Dot:
    """`kind` is the word the style sheet draws it by; `x` and `y` in percent, from the left and the top.

    `sign`: a character that is drawn instead of a disc, so that kinds differ by more than colour.
    """

    kind: str
    x: float
    y: float
    sign: str = ""


@dataclass(frozen=True)
class Plot:
    """From 0 on both axes."""

    across: Scale
    up: Scale

    def dot(self, kind: str, x: float, y: float, sign: str = "") -> Dot:
        return Dot(kind, self.across.percent(x), self.height(y), sign)

    def height(self, y: float) -> float:
        """From the top."""
        return round(100 - self.up.percent(y), 2)

    def line(self, points: Iterable[tuple[float, float]]) -> str:
        """For a polyline in a view of 100 by 100."""
        return " ".join(f"{self.across.percent(x)},{self.height(y)}" for x, y in points)
