"""A page that stands alone: one file, no outside resource, no style or script but its own."""

import base64
import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import Response, render_template, request
from markupsafe import Markup

from services.api.page_kit.figure import Figure
from services.api.page_kit.verdict import Verdict
from shared.messages.message import Message
from shared.messages.render import told
from shared.units import duration, rate, size, span

_PAGES = Path(__file__).resolve().parent.parent / "pages"
_STYLE = (_PAGES / "report.css").read_text("utf-8")
_SCRIPT = (_PAGES / "copy_button.js").read_text("utf-8")


def source_of(text: str) -> str:
    """What a policy allows a style sheet or a script of this text by."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


# The page carries it as well, for copies that are opened from a disk.
_SOURCES = (
    f"default-src 'none'; style-src {source_of(_STYLE)}; script-src {source_of(_SCRIPT)}; "
    "base-uri 'none'; form-action 'none'"
)
POLICY = f"{_SOURCES}; frame-ancestors 'none'"


def said(message_id: str, **values: Any) -> str:
    """For templates: the sentence of the message files in the reader's language."""
    return told(Message(message_id=message_id, values=values))


def standing_page(
    template: str,
    *,
    job_id: str,
    subject: str,
    measured_at: float | None,
    verdict: Verdict,
    figures: tuple[Figure, ...],
    **values: Any,
) -> Response:
    """`template` extends report_shell.html, which draws the head: of what, of when, verdict and figures.

    `measured_at` is in UTC seconds. `values` are for the template's own part.
    """
    page = render_template(
        template,
        style=Markup(_STYLE),
        script=Markup(_SCRIPT),
        policy=_SOURCES,
        job_id=job_id,
        subject=subject,
        day=_day(measured_at),
        verdict=verdict,
        figures=figures,
        own_page=_own_page(job_id),
        told=told,
        said=said,
        duration=duration,
        rate=rate,
        size=size,
        span=span,
        **values,
    )
    return Response(
        page,
        content_type="text/html; charset=utf-8",
        headers={
            "Content-Security-Policy": POLICY,
            "Content-Disposition": f'inline; filename="{job_id}.html"',
        },
    )


def _own_page(job_id: str) -> str | None:
    """The job's page, where the report is opened from it; a report that is kept as a file leads nowhere."""
    own = f"/jobs/{job_id}"
    return own if request.path == f"{own}/report" else None


def _day(measured_at: float | None) -> str | None:
    if measured_at is None:
        return None
    try:
        return datetime.fromtimestamp(measured_at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (ValueError, OverflowError, OSError):
        return None
