"""The report of a load diagnosis: data for programs and pages, lines for a terminal."""

from collections.abc import Sequence
from typing import Any, Literal

from services.worker.diagnosis.applied import AppliedRemedy
from services.worker.diagnosis.checks.finding import Finding
from services.worker.diagnosis.facts import LoadFacts
from services.worker.diagnosis.lines import report_lines
from services.worker.diagnosis.summary import LoadSummary, summarize
from shared.schemas import Frozen


class DiagnosisReport(Frozen):
    """Everything a diagnosis found. Readers go by `schema_version`; a new field does not raise it."""

    schema_version: Literal[1] = 1
    kind: Literal["load_diagnostic"] = "load_diagnostic"
    model: str
    measured_at: float
    """UTC seconds."""
    summary: LoadSummary
    findings: tuple[Finding, ...]
    """Ranked: what prevents a load, then by seconds saved."""
    facts: LoadFacts
    applied: tuple[AppliedRemedy, ...] = ()
    """What this job did about them, in order."""
    text: str
    """The same for people, as plain lines."""

    def result(self) -> dict[str, Any]:
        """What the job's record keeps: the summary, each finding's id, severity and title, and the text."""
        return {
            "model": self.model,
            "load_seconds": self.summary.total_seconds,
            "limit_seconds": self.summary.limit_seconds,
            "summary": self.summary.model_dump(mode="json"),
            "findings": [
                finding.model_dump(mode="json", include={"id", "severity", "title"})
                for finding in self.findings
            ],
            "text": self.text,
        }


def make_report(
    facts: LoadFacts, findings: list[Finding], applied: Sequence[AppliedRemedy] = ()
) -> DiagnosisReport:
    """Bring facts and ranked findings into one report."""
    summary = summarize(facts)
    return DiagnosisReport(
        model=facts.model,
        measured_at=facts.measured_at,
        summary=summary,
        findings=tuple(findings),
        facts=facts,
        applied=tuple(applied),
        text="\n".join(report_lines(facts, summary, findings, applied)),
    )
