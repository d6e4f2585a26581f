"""What a cold load is made of: parts that add up to it, with what the runs' differences leave untold."""

from dataclasses import dataclass

from services.api.load_page.loads import runs_of
from services.api.page_kit.bars import Segment, stack
from services.api.page_kit.scales import Scale
from shared.reports.load import LoadReport
from shared.units import duration

_WORTH_A_PART = 0.005  # of the load; less is rounding


@dataclass(frozen=True)
class MadeOf:
    """`parts` add up to `total_seconds`, the cold load of the chart above; `notes` say what is missing."""

    total_seconds: float
    parts: tuple[Segment, ...]
    notes: tuple[str, ...]


def made_of(report: LoadReport) -> MadeOf | None:
    """None where there was no cold load, or the other runs tell nothing of it."""
    cold = next((run for run in runs_of(report) if run.name == "cold"), None)
    told = _told(report)
    if cold is None or not told:
        return None
    total, untold = cold.total_seconds, cold.total_seconds - sum(seconds for _, _, seconds in told)
    parts, notes = list(told), [_reasons(report)] if len(told) < 3 else []
    if untold > _WORTH_A_PART * total:
        name = "not told apart" if len(told) < 3 else "slower in the cold run"
        parts.append((name, "other", untold))
    elif untold < -_WORTH_A_PART * total:
        parts = _shrunk(told, total)
        notes.append(
            f"The differences sum to {duration(-untold)} more than the cold load took, since other phases "
            "were slower in the other runs; the parts are shown in proportion."
        )
    return MadeOf(total, stack(parts, Scale(total)), tuple(note for note in notes if note))


def _told(report: LoadReport) -> list[tuple[str, str, float]]:
    """(name, the phase whose colour it has, seconds) of each part that a difference tells."""
    summary = report.summary
    parts = (
        ("storage", "read", summary.storage_seconds),
        ("quantizing", "quantize", summary.quantize_seconds),
        ("fixed", "rest", summary.fixed_seconds),
    )
    return [(name, phase, max(0.0, seconds)) for name, phase, seconds in parts if seconds is not None]


def _shrunk(parts: list[tuple[str, str, float]], total: float) -> list[tuple[str, str, float]]:
    factor = total / sum(seconds for _, _, seconds in parts)
    return [(name, phase, seconds * factor) for name, phase, seconds in parts]


def _reasons(report: LoadReport) -> str:
    """Why parts are not told apart."""
    summary, names = report.summary, {run.name for run in runs_of(report)}
    said = []
    if summary.storage_in_noise:
        said.append("the warm load took no less than the cold one: noise hides what storage takes")
    elif summary.storage_seconds is None:
        said.append("no load with warm files tells what storage takes")
    if summary.quantize_seconds is None or summary.fixed_seconds is None:
        missing = (
            "warm load of the prepared copy" if "prepared" not in names else "warm load of the checkpoint"
        )
        said.append(f"no {missing} tells quantizing from what is fixed")
    return f"Not told apart: {'; '.join(said)}." if said else ""
