"""What a diagnosis says: causes it found, ways out, and what became of those that a job took."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from shared.messages.message import Message, say
from shared.reports.stored import Said, Stored, Word

Severity = Literal["info", "warning", "error"]

RemedyKind = Literal["convert_pickle", "move_cache", "nf4_copy", "warm_page_cache"]
"""What a `model_preparation` can do; a finding's remedy says by it which of these it is."""


class Remedy(Stored):
    """One way out; the seconds are of one load, predicted from the facts, None where they do not tell.

    In the report of a training they are of one step, on average over the run: what happens between steps (an
    evaluation, a checkpoint) is spread over all of them.
    """

    action: Said
    kind: Word[RemedyKind] | None = None
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
    assumes: Said | None = None
    """What the prediction takes for granted beyond the facts, as a sentence."""

    @property
    def assumption(self) -> Message | None:
        """The same where an earlier release stored it as the end of a sentence."""
        if isinstance(self.assumes, str):
            return say("assumption-stored", assumption=self.assumes)
        return self.assumes


class Finding(Stored):
    """What a check saw."""

    lacking: ClassVar[Mapping[str, Any]] = {"evidence": ()}

    id: str
    severity: Word[Severity]
    title: Said
    evidence: tuple[Said, ...]
    """Sentences with the numbers seen."""
    remedies: tuple[Remedy, ...] = ()
    costs_seconds: float | None = None
    """What the cause itself takes of a load (of a step), where it is known; one remedy may be rid of several
    causes."""

    @property
    def saves_seconds(self) -> float | None:
        """By the best of the remedies."""
        known = [remedy.saves_seconds for remedy in self.remedies if remedy.saves_seconds is not None]
        return max(known, default=None)


class AppliedRemedy(Stored):
    """Seconds are of one load with its files out of memory (but for `warm_page_cache`).

    Null where there was nothing to predict from, or nothing to measure.
    """

    remedy: Word[RemedyKind]
    action: Said
    storage: str | None = None
    """Of a move: where to."""
    before_seconds: float | None = None
    predicted_seconds: float | None = None
    measured_seconds: float | None = None
    limit_seconds: float | None = None
    """The bytes ÷ the rate of the storage they are read from now."""
    note: Said | None = None

    @property
    def error_ratio(self) -> float | None:
        """measured ÷ predicted − 1."""
        if not self.predicted_seconds or self.measured_seconds is None:
            return None
        return self.measured_seconds / self.predicted_seconds - 1
