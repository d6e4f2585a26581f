"""The steps of a run: their losses, and their seconds against the tokens that they computed."""

from dataclasses import dataclass

from services.api.page_kit.plots import Dot, Plot
from services.api.page_kit.scales import Scale
from shared.messages.message import say
from shared.messages.render import told
from shared.reports.training import TrainingReport
from shared.units import duration

_ROWS = 24  # of the table behind a picture; of more steps it has every n-th

_SIGNS = {"validation": "◆", "saving": "■", "throttled": "▲", "spilled": "▼", "drift": "✕"}


@dataclass(frozen=True)
class LossPlot:
    plot: Plot
    lines: tuple[tuple[str, str], ...]
    """(kind, points of a polyline)"""
    dots: tuple[Dot, ...]
    words: str
    rows: tuple[tuple[str, str, str], ...]
    """(step, loss, validation loss)"""


@dataclass(frozen=True)
class TimePlot:
    """`kinds`: what held steps up, with how many of them."""

    plot: Plot
    dots: tuple[Dot, ...]
    kinds: tuple[tuple[str, str, int], ...]
    """(sign, name, steps)"""
    words: str
    rows: tuple[tuple[str, str, str, str], ...]
    """(step, computed tokens, seconds, what held it up)"""


def loss_plot(report: TrainingReport) -> LossPlot | None:
    """None of a diagnosis, whose trials train nothing."""
    losses = [(one.step, one.loss) for one in report.facts.points if one.loss is not None]
    validation = list(report.facts.validation)
    known = [*losses, *validation]
    if len(known) < 2:
        return None
    plot = Plot(Scale.over(step for step, _ in known), Scale.over(loss for _, loss in known))
    first, last = known[0], (losses or validation)[-1]
    return LossPlot(
        plot=plot,
        lines=(("loss", plot.line(losses)), ("validation", plot.line(validation))),
        dots=tuple(plot.dot("validation", step, loss) for step, loss in validation),
        words=told(say("loss-plot-words", first=_loss(first[1]), last=_loss(last[1]), step=str(last[0]))),
        rows=tuple(_loss_rows(losses, dict(validation))),
    )


def _loss_rows(losses: list[tuple[int, float]], validation: dict[int, float]) -> list[tuple[str, str, str]]:
    every = max(1, -(-len(losses) // _ROWS))
    kept = dict(losses[::every] + losses[-1:])
    steps = sorted(kept.keys() | validation.keys())
    trained = dict(losses)
    return [(f"{step:,}", _loss(trained.get(step)), _loss(validation.get(step))) for step in steps]


def _loss(loss: float | None) -> str:
    return "–" if loss is None else f"{loss:.3f}"


def time_plot(report: TrainingReport) -> TimePlot | None:
    points = report.facts.points
    if len(points) < 2:
        return None
    plot = Plot(Scale.over(one.computed_tokens for one in points), Scale.over(one.seconds for one in points))
    disturbed = [one.disturbed for one in points if one.disturbed]
    kinds = sorted(set(disturbed), key=lambda kind: -disturbed.count(kind))
    every = max(1, -(-len(points) // _ROWS))
    shown = [one for number, one in enumerate(points) if number % every == 0 or one.disturbed][: 4 * _ROWS]
    return TimePlot(
        plot=plot,
        dots=tuple(
            plot.dot("disturbed", one.computed_tokens, one.seconds, sign(one.disturbed))
            if one.disturbed
            else plot.dot("healthy", one.computed_tokens, one.seconds)
            for one in points
        ),
        kinds=tuple((sign(kind), disturbance(kind), disturbed.count(kind)) for kind in kinds),
        words=told(say("time-plot-words", steps=len(points), disturbed=len(disturbed))),
        rows=tuple(
            (
                f"{one.step:,}", f"{one.computed_tokens:,}", duration(one.seconds),
                disturbance(one.disturbed) if one.disturbed else "",
            )
            for one in shown
        ),
    )  # fmt: skip


def sign(kind: str) -> str:
    return _SIGNS.get(kind, "✚")


def disturbance(kind: str) -> str:
    return told(say("disturbed-label", what=kind))
