"""A load report as one HTML page."""

from flask import Response

from services.api.load_page.disk_scale import disk_scale
from services.api.load_page.figures import key_figures
from services.api.load_page.known import fact_groups, not_known
from services.api.load_page.loads import load_chart
from services.api.load_page.made_of import made_of
from services.api.load_page.phases import phase_meanings
from services.api.load_page.remedies import Remedies, outcomes, ranked_remedies
from services.api.load_page.shard_bar import shard_bars
from services.api.load_page.verdict import storage_word, verdict
from services.api.page_kit.shell import standing_page
from shared.messages.render import told
from shared.reports.load import LoadReport


def load_page(job_id: str, report: LoadReport) -> Response:
    remedies = ranked_remedies(report)
    return standing_page(
        "load_report.html",
        job_id=job_id,
        subject=report.model,
        measured_at=report.measured_at,
        verdict=verdict(report, remedies),
        figures=key_figures(report, remedies),
        report=report,
        chart=load_chart(report),
        phase_meanings=phase_meanings(),
        made_of=made_of(report),
        shards=shard_bars(report),
        outcomes=outcomes(report),
        remedies=remedies,
        offered=_offered(remedies),
        disk=disk_scale(report),
        storage_word=told(storage_word(report)),
        groups=fact_groups(report),
        unknown=not_known(report),
    )


def _offered(remedies: Remedies) -> dict[int, list[int]]:
    """Number of a finding → numbers of its remedies."""
    offered: dict[int, list[int]] = {}
    for ranked in remedies.ranked:
        for finding in ranked.findings:
            offered.setdefault(finding, []).append(ranked.number)
    return offered
