"""The report of a training, or of the diagnosis of one: written by the worker, read by API, page, command."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from shared.reports.finding import Finding
from shared.reports.stored import Said, Stored, Word
from shared.reports.training_facts import TrainingFacts


class TrainingSummary(Stored):
    """Seconds; null where it was not measured."""

    step_seconds: float
    """As configured: of a fine-tuning as it ran. 0 where a job ended before a step was timed."""
    total_steps: int
    run_seconds: float
    """All steps, as configured: predicted by a diagnosis, measured by a fine-tuning; of one that ended early,
    the steps that were made."""
    best_step_seconds: float | None = None
    """With the plan `auto` on the same rows; likewise `best_run_seconds`."""
    best_run_seconds: float | None = None
    padding_ratio: float
    peak_memory_bytes: int | None = None
    final_loss: float | None = None


class CheckOutcome(Stored):
    """One check that found nothing: because all is well, or because it could not be asked."""

    id: str
    outcome: Word[Literal["passed", "not_checked"]]
    words: Said
    """What was looked for; of what was not checked, why not, too."""


class Ended(Stored):
    """How a job ended that did not succeed; `code`, `message` and `remedy` are of one that failed."""

    status: Word[Literal["failed", "cancelled"]]
    code: str | None = None
    message: Said | None = None
    remedy: Said | None = None


class TrainingReport(Stored):
    """Of a job that failed or was cancelled it has what was done until then. Readers go by `schema_version`;
    a new field does not raise it.
    """

    lacking: ClassVar[Mapping[str, Any]] = {"findings": (), "checks": (), "notes": (), "text": ""}

    schema_version: Literal[1] = 1
    kind: Word[Literal["training_diagnostic", "fine_tuning"]]
    model: str
    measured_at: float | None = None
    """UTC seconds."""
    ended: Ended | None = None
    """None where the job succeeded."""
    summary: TrainingSummary
    findings: tuple[Finding, ...]
    """Ranked by the time that a remedy saves."""
    checks: tuple[CheckOutcome, ...] = ()
    notes: tuple[Said, ...] = ()
    """What of the user's settings has no meaning here, was assumed, or is another curve."""
    facts: TrainingFacts
    text: str
    """The same for people, as plain lines."""

    def result(self) -> dict[str, Any]:
        """What a diagnosis' record keeps: the summary, the findings' ids and titles, and the text."""
        return {
            "model": self.model,
            "step_seconds": self.summary.step_seconds,
            "run_seconds": self.summary.run_seconds,
            "summary": self.summary.model_dump(mode="json"),
            "findings": [
                finding.model_dump(mode="json", include={"id", "severity", "title"})
                for finding in self.findings
            ],
            "text": self.text,
        }
