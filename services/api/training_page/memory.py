"""What a step's peak is made of, and where the limits are."""

from dataclasses import dataclass

from services.api.page_kit.bars import Segment, stack
from services.api.page_kit.scales import Scale
from shared.messages.message import say
from shared.messages.render import told
from shared.reports.training import TrainingReport
from shared.units import size

PARTS = ("weights", "embedding", "adapter_and_optimizer", "activations", "logits", "context")


@dataclass(frozen=True)
class Line:
    """A limit: `at` in percent of the width."""

    words: str
    at: float


@dataclass(frozen=True)
class MemoryBar:
    """`parts` are stacked up to the peak; what no part explains is one of its own."""

    parts: tuple[Segment, ...]
    lines: tuple[Line, ...]
    peak: str
    rows: tuple[tuple[str, str, str], ...]
    """(name, phase, size), the lines' last."""


def memory_bar(report: TrainingReport) -> MemoryBar | None:
    """None where nothing of it was measured."""
    facts = report.facts
    known = [(part, getattr(facts.memory, part)) for part in PARTS]
    parts = [(told(say("memory-part-label", part=part)), part, float(of)) for part, of in known if of]
    total = sum(amount for _, _, amount in parts)
    peak = facts.memory.peak or int(total)
    if not peak:
        return None
    if peak > 1.005 * total:
        parts.append((told(say("memory-part-label", part="rest")), "other", peak - total))
    limits = [(say("memory-limit-label"), facts.memory.limit), (say("memory-device-label"), _whole(report))]
    scale = Scale.over([peak, total, *(limit for _, limit in limits)])
    lines = tuple(
        Line(f"{told(name)} {size(limit)}", scale.percent(limit)) for name, limit in limits if limit
    )
    rows = [(name, phase, size(amount)) for name, phase, amount in parts]
    return MemoryBar(stack(parts, scale), lines, size(peak), tuple(rows))


def _whole(report: TrainingReport) -> int | None:
    """All memory that there is; of a card its facts tell nothing yet."""
    facts = report.facts
    if facts.device.kind != "cpu" or facts.machine_memory is None:
        return None
    whole = facts.machine_memory.total_bytes
    return whole if whole and facts.memory.peak and whole < 8 * facts.memory.peak else None
