"""A page of the desk: its frame, the policy that it is sent with, and what templates may say."""

from datetime import UTC, datetime
from typing import Any

from flask import Response, render_template
from markupsafe import Markup

from services.api.desk.suggested_reading import on_page
from services.api.desk.wait import ago
from services.api.page_kit.coded import coded
from services.api.page_kit.shares import compact, in_hundred
from services.api.page_kit.shell import said
from shared.messages.message import Message
from shared.messages.render import told
from shared.units import size

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def desk_page(template: str, *, status: int = 200, **values: Any) -> Response:
    """`template` extends desk_shell.html; all sentences in it are messages."""
    page = render_template(
        template,
        told=told,
        with_code=with_code,
        said=said,
        size=size,
        ago=ago,
        clock=_clock,
        compact=compact,
        in_hundred=in_hundred,
        **values,
    )
    headers = {
        "Content-Security-Policy": POLICY,
        # `no-referrer` would make the Origin of our own forms `null`
        "Referrer-Policy": "same-origin",
        "Vary": "Cookie",
    }
    return Response(page, status=status, content_type="text/html; charset=utf-8", headers=headers)


def with_code(said: str | Message) -> Markup:
    """The sentence in the words of the page, with what stands between backticks in it as code."""
    return coded(on_page(said))


def _clock(seconds: float) -> str:
    """For `<time datetime=…>`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
