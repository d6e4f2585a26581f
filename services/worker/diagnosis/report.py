"""The report of a load diagnosis: data for programs and pages, lines for a terminal."""

from collections.abc import Sequence

from services.worker.diagnosis.summary import summarize
from shared.reports.finding import AppliedRemedy, Finding
from shared.reports.load import LoadReport
from shared.reports.load_facts import LoadFacts
from shared.reports.load_text import load_text


def make_report(
    facts: LoadFacts, findings: list[Finding], applied: Sequence[AppliedRemedy] = ()
) -> LoadReport:
    """Bring facts and ranked findings into one report."""
    summary = summarize(facts)
    report = LoadReport(
        model=facts.model,
        measured_at=facts.measured_at,
        summary=summary,
        findings=tuple(findings),
        facts=facts,
        applied=tuple(applied),
        text="",
    )
    return report.model_copy(update={"text": load_text(report)})
