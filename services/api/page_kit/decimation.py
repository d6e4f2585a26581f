"""Fewer points of a line, such that it looks the same: of each stretch the lowest and the highest."""

from collections.abc import Sequence

MOST_POINTS = 600

Point = tuple[float, float]


def decimated(points: Sequence[Point], most: int = MOST_POINTS) -> list[Point]:
    """At most `most` of `points`, which lie in the order of their x; the first and the last among them."""
    if len(points) <= most:
        return list(points)
    stretches = most // 2 - 1
    kept = [points[0]]
    for number in range(stretches):
        start, end = (1 + (len(points) - 2) * edge // stretches for edge in (number, number + 1))
        stretch = range(start, end)
        lowest = min(stretch, key=lambda at: points[at][1])
        highest = max(stretch, key=lambda at: points[at][1])
        kept += [points[at] for at in sorted({lowest, highest})]
    return [*kept, points[-1]]
