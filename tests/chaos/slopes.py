"""What grew during a run: straight lines through the samples of memory, files and keys."""

from collections.abc import Iterator
from typing import Any

from tests.chaos.history import History


def slopes(history: History) -> dict[str, dict[str, float]]:
    """By measure: at the first and at the last sample, the most, and the growth per hour of the line.

    A part that was started again is a new process: its samples still belong to the same line.
    """
    series: dict[str, list[tuple[float, float]]] = {}
    for note in history.all("sample"):
        for name, value in _measures(note):
            series.setdefault(name, []).append((note["at"], value))
    return {name: _line(points) for name, points in sorted(series.items()) if len(points) > 1}


def _measures(note: dict[str, Any]) -> Iterator[tuple[str, float]]:
    yield "data_bytes", note["data_bytes"]
    for part, taken in note["parts"].items():
        if isinstance(taken, dict):
            for name in ("rss_bytes", "files", "threads"):
                yield f"{part}.{name}", taken[name]
        else:
            yield part, taken


def _line(points: list[tuple[float, float]]) -> dict[str, float]:
    times, values = [at for at, _ in points], [value for _, value in points]
    middle, mean = sum(times) / len(times), sum(values) / len(values)
    spread = sum((at - middle) ** 2 for at in times)
    slope = sum((at - middle) * (value - mean) for at, value in points) / spread if spread else 0.0
    return {"first": values[0], "last": values[-1], "most": max(values), "per_hour": round(slope * 3600, 1)}
