"""The report of a load diagnosis: data for programs and pages, lines for a terminal."""

from collections.abc import Sequence

from services.worker.diagnosis.lines import report_lines
from services.worker.diagnosis.summary import summarize
from shared.reports.finding import AppliedRemedy, Finding
from shared.reports.load import LoadReport
from shared.reports.load_facts import LoadFacts


def make_report(
    facts: LoadFacts, findings: list[Finding], applied: Sequence[AppliedRemedy] = ()
) -> LoadReport:
    """Bring facts and ranked findings into one report."""
    summary = summarize(facts)
    return LoadReport(
        model=facts.model,
        measured_at=facts.measured_at,
        summary=summary,
        findings=tuple(findings),
        facts=facts,
        applied=tuple(applied),
        text="\n".join(report_lines(facts, summary, findings, applied)),
    )
