"""A load report as one HTML page that stands alone: no outside resource, no style or script but its own."""

import base64
import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import Response, render_template
from markupsafe import Markup
from pydantic import ValidationError

from services.api.load_page.bars import PHASES
from services.api.load_page.disk_scale import disk_scale
from services.api.load_page.figures import key_figures
from services.api.load_page.known import fact_groups, not_known
from services.api.load_page.loads import load_chart
from services.api.load_page.made_of import made_of
from services.api.load_page.places import Places
from services.api.load_page.remedies import Remedies, outcomes, ranked_remedies
from services.api.load_page.shard_bar import shard_bars
from services.api.load_page.verdict import storage_word, verdict
from shared.errors import NotFound
from shared.reports.load import LoadReport
from shared.reports.stored import read_stored
from shared.settings import Settings
from shared.units import duration, rate, size
from shared.visible import all_visible

_PAGES = Path(__file__).resolve().parent.parent / "pages"
_STYLE = (_PAGES / "load_report.css").read_text("utf-8")
_SCRIPT = (_PAGES / "copy_button.js").read_text("utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


# The page carries it as well, for copies that are opened from a disk.
_SOURCES = (
    f"default-src 'none'; style-src {_hash(_STYLE)}; script-src {_hash(_SCRIPT)}; "
    "base-uri 'none'; form-action 'none'"
)
POLICY = f"{_SOURCES}; frame-ancestors 'none'"


def load_page(job_id: str, values: dict[str, Any], settings: Settings) -> Response:
    """The page of a report as it stands in report.json, without whole paths and hosts.

    Raises `NotFound` where there is nothing to draw.
    """
    values = Places.of(settings, values).shown(values)
    try:
        report = read_stored(LoadReport, all_visible(values))
    except ValidationError as error:
        fields = ", ".join(sorted({".".join(map(str, problem["loc"])) for problem in error.errors()})[:3])
        raise NotFound(
            f"Job {job_id} has no report that can be drawn as a page (missing or of no use: {fields}). "
            "Leave `format` out to read what there is as JSON."
        ) from None
    return Response(
        _draw(job_id, report),
        content_type="text/html; charset=utf-8",
        headers={
            "Content-Security-Policy": POLICY,
            "Content-Disposition": f'inline; filename="{job_id}.html"',
        },
    )


def _draw(job_id: str, report: LoadReport) -> str:
    remedies = ranked_remedies(report)
    return render_template(
        "load_report.html",
        style=Markup(_STYLE),
        script=Markup(_SCRIPT),
        policy=_SOURCES,
        job_id=job_id,
        report=report,
        day=_day(report.measured_at),
        verdict=verdict(report, remedies),
        figures=key_figures(report, remedies),
        chart=load_chart(report),
        phase_meanings=PHASES,
        made_of=made_of(report),
        shards=shard_bars(report),
        outcomes=outcomes(report),
        remedies=remedies,
        offered=_offered(remedies),
        disk=disk_scale(report),
        storage_word=storage_word(report),
        groups=fact_groups(report),
        unknown=not_known(report),
        duration=duration,
        rate=rate,
        size=size,
    )


def _offered(remedies: Remedies) -> dict[int, list[int]]:
    """Number of a finding → numbers of its remedies."""
    offered: dict[int, list[int]] = {}
    for ranked in remedies.ranked:
        for finding in ranked.findings:
            offered.setdefault(finding, []).append(ranked.number)
    return offered


def _day(measured_at: float | None) -> str | None:
    if measured_at is None:
        return None
    try:
        return datetime.fromtimestamp(measured_at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (ValueError, OverflowError, OSError):
        return None
