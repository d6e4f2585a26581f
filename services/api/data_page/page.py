"""The report of a data set's rows as a model reads them, as one HTML page."""

from flask import Response

from services.api.data_page.figures import key_figures
from services.api.data_page.parts import picture
from services.api.data_page.rows import titled_row
from services.api.data_page.verdict import verdict
from services.api.page_kit.coded import coded
from services.api.page_kit.shell import standing_page
from shared.reports.data_tokens import RenderedRow, TokenReport


def data_page(
    job_id: str, name: str, report: TokenReport, rows: tuple[RenderedRow, ...], measured_at: float | None
) -> Response:
    """`name`: of the rows. `rows`: those of the report as they were written, whose stretches are counted."""
    parts = [one for one in (report.training, report.validation) if one is not None]
    return standing_page(
        "data_report.html",
        job_id=job_id,
        subject=report.model,
        measured_at=measured_at,
        verdict=verdict(report),
        figures=key_figures(report),
        name=name,
        coded=coded,
        report=report,
        parts_seen=[picture(part, report.max_seq_length) for part in parts],
        rows=[titled_row(row) for row in rows],
    )
