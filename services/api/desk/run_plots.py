"""The pictures of a run that goes on: its loss, and what its steps took."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from services.api.desk.step_numbers import Steps
from services.api.page_kit.decimation import decimated
from services.api.page_kit.plots import Dot, Plot
from services.api.page_kit.scales import Scale
from shared.messages.message import say
from shared.messages.render import told

_FEWEST = 2
_FAR_ABOVE = 4.0  # times the median: slower steps are drawn at the upper edge, and said


@dataclass(frozen=True)
class RunPlot:
    """`lines`: (kind, points of a polyline). `words` are read in place of the picture."""

    plot: Plot
    lines: tuple[tuple[str, str], ...]
    dots: tuple[Dot, ...]
    words: str
    note: str = ""


def loss_plot(steps: Steps) -> RunPlot | None:
    """None before there are two losses."""
    losses = _known(steps.steps, steps.losses)
    validation = [(float(step), loss) for step, loss in steps.validation if math.isfinite(loss)]
    if len(losses) < _FEWEST:
        return None
    plot = Plot(_over_steps(losses), Scale.over(loss for _, loss in [*losses, *validation]))
    last_step, last = losses[-1]
    words = say("loss-plot-words", first=f"{losses[0][1]:.3f}", last=f"{last:.3f}", step=f"{last_step:.0f}")
    return RunPlot(
        plot,
        (("loss", plot.line(decimated(losses))), ("validation", plot.line(validation))),
        tuple(plot.dot("validation", step, loss) for step, loss in validation),
        told(words),
    )


def time_plot(steps: Steps) -> RunPlot | None:
    """None before there are two steps."""
    seconds = _known(steps.steps, steps.seconds)
    if len(seconds) < _FEWEST:
        return None
    usual = median(took for _, took in seconds)
    most = max(took for _, took in seconds)
    top = min(most, _FAR_ABOVE * usual)
    plot = Plot(_over_steps(seconds), Scale(top))
    above = sum(took > top for _, took in seconds)
    note = told(say("steps-above-plot", steps=above, longest_seconds=most)) if above else ""
    words = say("step-times-plot-words", usual_seconds=usual, steps=len(seconds))
    return RunPlot(plot, (("time", plot.line(decimated(seconds))),), (), told(words), note)


def _known(steps: Sequence[int], values: Sequence[float]) -> list[tuple[float, float]]:
    return [(step, value) for step, value in zip(steps, values, strict=True) if math.isfinite(value)]


def _over_steps(points: Sequence[tuple[float, float]]) -> Scale:
    return Scale.over(step for step, _ in points)
