"""What a step's peak is made of, and where the limits are."""

from dataclasses import dataclass

from services.api.page_kit.bars import Segment, stack
from services.api.page_kit.scales import Scale
from shared.messages.message import Message, say
from shared.messages.render import told
from shared.reports.training import TrainingReport
from shared.reports.training_facts import MemoryParts
from shared.units import size

PARTS = ("weights", "embedding", "adapter_and_optimizer", "activations", "logits", "context")

_NEAR = 3  # times the peak: beyond it a limit would leave no room for the parts


@dataclass(frozen=True)
class Line:
    """A limit: `at` in percent of the width."""

    words: str
    at: float


@dataclass(frozen=True)
class MemoryBar:
    """`parts` are stacked up to the peak; what no part explains is one of its own. Parts are predicted, and
    may add up to more: `heading` says so.
    """

    heading: str
    parts: tuple[Segment, ...]
    lines: tuple[Line, ...]
    peak: str
    rows: tuple[tuple[str, str, str], ...]
    """(name, phase, size)"""
    limits: tuple[tuple[str, str], ...]
    """(name, size); those far above the peak have no line."""


def memory_bar(report: TrainingReport) -> MemoryBar | None:
    """None where nothing of it was measured."""
    return bar_of_parts(report.facts.memory, device_bytes=_whole(report))


def bar_of_parts(memory: MemoryParts, *, device_bytes: int | None = None) -> MemoryBar | None:
    """`device_bytes`: all memory that the device has. None where no part is known."""
    amounts = [(part, getattr(memory, part)) for part in PARTS]
    parts = [(told(say("memory-part-label", part=part)), part, float(of)) for part, of in amounts if of]
    total = sum(amount for _, _, amount in parts)
    peak = memory.peak or int(total)
    if not peak:
        return None
    if peak > 1.005 * total:
        parts.append((told(say("memory-part-label", part="rest")), "other", peak - total))
    limits = [(say("memory-limit-label"), memory.limit), (say("memory-device-label"), device_bytes)]
    known = [(told(name), limit) for name, limit in limits if limit]
    near = [(name, limit) for name, limit in known if limit <= _NEAR * peak]
    scale = Scale.over([peak, total, *(limit for _, limit in near)])
    return MemoryBar(
        heading=told(_heading(peak, int(total))),
        parts=stack(parts, scale),
        lines=tuple(Line(f"{name} {size(limit)}", scale.percent(limit)) for name, limit in near),
        peak=size(peak),
        rows=tuple((name, phase, size(amount)) for name, phase, amount in parts),
        limits=tuple((name, size(limit)) for name, limit in known),
    )


def _heading(peak: int, total: int) -> Message:
    if total > 1.005 * peak:
        return say("parts-beyond-the-peak", parts_bytes=total, peak_bytes=peak)
    return say("parts-up-to-the-peak", peak_bytes=peak)


def _whole(report: TrainingReport) -> int | None:
    """All memory that the device has."""
    facts = report.facts
    if facts.device.kind != "cpu":
        return facts.device.memory_bytes
    return facts.machine_memory.total_bytes if facts.machine_memory else None
