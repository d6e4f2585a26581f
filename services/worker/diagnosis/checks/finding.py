"""A check: a pure question to the facts about one cause of slow or failing loads; what checks share."""

from collections.abc import Callable
from dataclasses import dataclass

from shared.messages.message import Message, say
from shared.reports.finding import Finding, Severity
from shared.reports.load_facts import LoadFacts

NOTICEABLE_SECONDS = 2.0  # less than this is not worth a warning
LONG_SECONDS = 10.0
SATA_SSD_BYTES_PER_SECOND = 550e6  # the slowest disk anybody would move a model to


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


def as_message(text: str | Message) -> Message:
    """What a fact says, as evidence; a text of a library or of an earlier release in its own words."""
    return text if isinstance(text, Message) else say("as-told", text=text)


def by_seconds(seconds: float | None) -> Severity:
    """A warning only when it costs somebody noticeable time."""
    return "warning" if seconds is not None and seconds >= NOTICEABLE_SECONDS else "info"


def saved(before: float | None, after: float | None) -> float | None:
    """Seconds saved, None when either is unknown or nothing is gained."""
    if before is None or after is None or after >= before:
        return None
    return before - after
