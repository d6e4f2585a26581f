"""What was foretold beside what then happened."""

from dataclasses import dataclass

from services.api.page_kit.scales import Scale
from shared.messages.message import say
from shared.messages.render import told
from shared.reports.training import TrainingReport
from shared.reports.training_facts import Prediction
from shared.units import duration, size, span

BAND = {"step_seconds": 0.15, "run_seconds": 0.15, "peak_memory_bytes": 0.1}
"""How far off is held to be right; of the whole run once 5% of it are done, 10 %."""


@dataclass(frozen=True)
class PredictionRow:
    """`at`: the measured, `band`: where it would be right, in percent of a width whose middle is the
    prediction; None where it was not measured.
    """

    name: str
    predicted: str
    measured: str
    error: str
    is_right: bool
    at: float | None
    band: tuple[float, float]
    """(start, width)"""


@dataclass(frozen=True)
class PredictionChart:
    """`most`: the error at both ends of the width."""

    rows: tuple[PredictionRow, ...]
    most: float


def prediction_chart(report: TrainingReport) -> PredictionChart | None:
    predictions = report.facts.predictions
    if not predictions:
        return None
    errors = [abs(one.error_ratio) for one in predictions if one.error_ratio is not None]
    most = max(0.3, *(1.1 * error for error in errors)) if errors else 0.3
    return PredictionChart(tuple(_row(one, most) for one in predictions), most)


def _row(one: Prediction, most: float) -> PredictionRow:
    band = 0.1 if one.quantity == "run_seconds" and one.when != "start" else BAND.get(one.quantity, 0.15)
    scale, error = Scale(2 * most), one.error_ratio
    start = scale.percent(most - band)
    return PredictionRow(
        name=told(say("predicted-quantity-label", quantity=one.quantity, when=one.when)),
        predicted=_amount(one.quantity, one.predicted),
        measured="–" if one.measured is None else _amount(one.quantity, one.measured),
        error="–" if error is None else f"{error:+.0%}".replace("-", "−"),
        is_right=error is not None and abs(error) <= band,
        at=None if error is None else scale.percent(most + error),
        band=(start, round(scale.percent(most + band) - start, 2)),
    )


def _amount(quantity: str, value: float) -> str:
    if quantity == "peak_memory_bytes":
        return size(value)
    return span(value) if quantity == "run_seconds" else duration(value)
