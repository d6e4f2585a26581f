"""A finding: one cause of slow or failing loads, seen in the facts, with evidence and what to do about it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from services.worker.diagnosis.applied import RemedyKind
from services.worker.diagnosis.facts import LoadFacts
from shared.schemas import Frozen

Severity = Literal["info", "warning", "error"]

NOTICEABLE_SECONDS = 2.0  # less than this is not worth a warning
LONG_SECONDS = 10.0
SATA_SSD_BYTES_PER_SECOND = 550e6  # the slowest disk anybody would move a model to


class Remedy(Frozen):
    """One way out; the seconds are of one load, predicted from the facts, None where they do not tell."""

    action: str
    kind: RemedyKind | None = None
    """What a preparation would apply; None for what only people can do."""
    storage: str | None = None
    """Of a move: where to."""
    command: str | None = None
    """To be pasted into a shell, or the setting to change."""
    saves_seconds: float | None = None
    """The cold load that was measured less `predicted_seconds`, at least 0; of what the remedy changes where
    no such load was measured, and then `predicted_seconds` is None."""
    predicted_seconds: float | None = None
    """The whole load, its files out of memory, once this was done."""
    assumes: str | None = None
    """What the prediction takes for granted beyond the facts."""


class Finding(Frozen):
    """What a check saw."""

    id: str
    severity: Severity
    title: str
    evidence: tuple[str, ...]
    """Sentences with the numbers seen."""
    remedies: tuple[Remedy, ...] = ()
    costs_seconds: float | None = None
    """What the cause itself takes of a load, where it is known; one remedy may be rid of several causes."""

    @property
    def saves_seconds(self) -> float | None:
        """By the best of the remedies."""
        known = [remedy.saves_seconds for remedy in self.remedies if remedy.saves_seconds is not None]
        return max(known, default=None)


@dataclass(frozen=True)
class Check:
    """A pure question to the facts. `severity` is the gravest its findings can have."""

    id: str
    severity: Severity
    finds: str
    """What it finds, for the table of docs/checks.md."""
    run: Callable[[LoadFacts], Finding | None]
    explains: tuple[str, ...] = ()
    """Ids of findings that may only follow from this one: whoever mends it may be rid of them."""


def by_seconds(seconds: float | None) -> Severity:
    """A warning only when it costs somebody noticeable time."""
    return "warning" if seconds is not None and seconds >= NOTICEABLE_SECONDS else "info"


def saved(before: float | None, after: float | None) -> float | None:
    """Seconds saved, None when either is unknown or nothing is gained."""
    if before is None or after is None or after >= before:
        return None
    return before - after
