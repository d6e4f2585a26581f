"""What was foretold beside what then happened."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.api.page_kit.scales import Scale
from shared.messages.message import say
from shared.messages.render import told
from shared.reports.training import TrainingReport
from shared.reports.training_facts import Prediction
from shared.reports.training_text import off, predicted_amount

BAND = {"step_seconds": 0.15, "run_seconds": 0.15, "peak_memory_bytes": 0.1}
"""How far off is held to be right; of the whole run once 5% of it are done, 10 %."""


@dataclass(frozen=True)
class PredictionRow:
    """`at`: the measured, `band`: where it would be right, in percent of a width whose middle is the
    prediction; None where it was not measured. `others`: the same of other jobs, those too far off at an end;
    `right_others` of `len(others)` are within the band.
    """

    name: str
    predicted: str
    measured: str
    error: str
    is_right: bool
    at: float | None
    band: tuple[float, float]
    """(start, width)"""
    others: tuple[float, ...]
    right_others: int


@dataclass(frozen=True)
class PartRow:
    """What the whole run adds up from; `is_off` marks the part that is most of its error."""

    name: str
    predicted: str
    measured: str
    is_off: bool


@dataclass(frozen=True)
class PredictionChart:
    """`most`: the error at both ends of the width."""

    rows: tuple[PredictionRow, ...]
    parts: tuple[PartRow, ...]
    most: float


def prediction_chart(report: TrainingReport, others: Sequence[Prediction] = ()) -> PredictionChart | None:
    """`others`: predictions of other jobs."""
    predictions = report.facts.predictions
    if not predictions:
        return None
    errors = [abs(one.error_ratio) for one in predictions if one.error_ratio is not None]
    most = max(0.3, *(1.1 * error for error in errors)) if errors else 0.3
    parts = tuple(part for one in predictions for part in _parts(one))
    return PredictionChart(tuple(_row(one, most, others) for one in predictions), parts, most)


def _row(one: Prediction, most: float, others: Sequence[Prediction]) -> PredictionRow:
    band = 0.1 if one.quantity == "run_seconds" and one.when != "start" else BAND.get(one.quantity, 0.15)
    scale, error = Scale(2 * most), one.error_ratio
    start = scale.percent(most - band)
    errors = [
        other.error_ratio
        for other in others
        if (other.quantity, other.when) == (one.quantity, one.when) and other.error_ratio is not None
    ]
    return PredictionRow(
        name=told(say("predicted-quantity-label", quantity=one.quantity, when=one.when)),
        predicted=predicted_amount(one, one.predicted),
        measured=predicted_amount(one, one.measured),
        error=off(error),
        is_right=error is not None and abs(error) <= band,
        at=None if error is None else scale.percent(most + error),
        band=(start, round(scale.percent(most + band) - start, 2)),
        others=tuple(scale.percent(most + min(most, max(-most, ratio))) for ratio in errors),
        right_others=sum(abs(ratio) <= band for ratio in errors),
    )


def _parts(one: Prediction) -> tuple[PartRow, ...]:
    """The part that is furthest off, in seconds, is told apart where it is a twentieth of the run."""
    apart = {part.part: abs((part.measured or part.predicted) - part.predicted) for part in one.parts}
    furthest = max(apart, key=lambda part: apart[part], default=None)
    return tuple(
        PartRow(
            name=told(say("run-part-label", part=part.part)),
            predicted=predicted_amount(one, part.predicted),
            measured=predicted_amount(one, part.measured),
            is_off=part.part == furthest and apart[part.part] > 0.05 * one.predicted,
        )
        for part in one.parts
    )
