"""What a cold load is made of: parts that add up to it, with what the runs' differences leave untold."""

from collections.abc import Iterator
from dataclasses import dataclass

from services.api.load_page.loads import runs_of
from services.api.page_kit.bars import Segment, stack
from services.api.page_kit.scales import Scale
from shared.messages.message import Message, say
from shared.messages.render import told
from shared.reports.load import LoadReport

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
    known = _known(report)
    if cold is None or not known:
        return None
    total, untold = cold.total_seconds, cold.total_seconds - sum(seconds for _, _, seconds in known)
    parts, notes = list(known), list(_reasons(report)) if len(known) < 3 else []
    if untold > _WORTH_A_PART * total:
        name = say("not-told-apart-label" if len(known) < 3 else "slower-in-cold-run-label")
        parts.append((told(name), "other", untold))
    elif untold < -_WORTH_A_PART * total:
        parts = _shrunk(known, total)
        notes.append(say("parts-in-proportion", more_seconds=-untold))
    return MadeOf(total, stack(parts, Scale(total)), tuple(told(note) for note in notes))


def _known(report: LoadReport) -> list[tuple[str, str, float]]:
    """(name, the phase whose colour it has, seconds) of each part that a difference tells."""
    summary = report.summary
    parts = (
        (say("storage-part-label"), "read", summary.storage_seconds),
        (say("quantizing-part-label"), "quantize", summary.quantize_seconds),
        (say("fixed-part-label"), "rest", summary.fixed_seconds),
    )
    return [(told(name), phase, max(0.0, seconds)) for name, phase, seconds in parts if seconds is not None]


def _shrunk(parts: list[tuple[str, str, float]], total: float) -> list[tuple[str, str, float]]:
    factor = total / sum(seconds for _, _, seconds in parts)
    return [(name, phase, seconds * factor) for name, phase, seconds in parts]


def _reasons(report: LoadReport) -> Iterator[Message]:
    """Why parts are not told apart."""
    summary, names = report.summary, {run.name for run in runs_of(report)}
    if summary.storage_in_noise:
        yield say("storage-in-noise")
    elif summary.storage_seconds is None:
        yield say("no-warm-load")
    if summary.quantize_seconds is None or summary.fixed_seconds is None:
        yield say("no-warm-checkpoint-load" if "prepared" in names else "no-warm-copy-load")
