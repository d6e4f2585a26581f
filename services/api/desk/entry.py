"""The way in: a page that asks for the key once, the session that it begins, and its end."""

from flask import Response, request

from services.api.desk.forms import HOME, led_to, local_path, sent_fields
from services.api.desk.shell import desk_page
from services.api.service import Service
from services.api.session import (
    LIFE_SECONDS,
    NAME_BEGINS,
    begin_session,
    check_same_origin,
    session_names,
)
from shared.errors import Unauthorized
from shared.messages.message import Message, say


def ask_for_key(*, back: str, wrong: Message | None = None) -> Response:
    """401, with a form; `back` is the page that the key leads to.

    A link on another site's page leads here without the session's cookie (SameSite=Strict). The page then
    asks for itself once more, as our own page, and the browser sends it.
    """
    had_session = NAME_BEGINS in request.headers.get("Cookie", "")
    answer = desk_page(
        "desk_key.html",
        status=Unauthorized.status,
        back=back,
        wrong=wrong,
        had_session=had_session,
        asks_again=_was_led_here(),
    )
    answer.headers.update(Unauthorized.headers)
    return answer


def _was_led_here() -> bool:
    return request.method == "GET" and request.headers.get("Sec-Fetch-Site") == "cross-site"


def post_session(service: Service) -> Response:
    """Begin a session with the key in the form."""
    check_same_origin(request.headers.get)
    fields = sent_fields()
    back = local_path(fields.get("back"))
    if "key" not in fields:
        return ask_for_key(back=back, wrong=say("type-the-key"))
    try:
        session = begin_session(service.keys, fields["key"])
    except Unauthorized as refusal:
        return ask_for_key(back=back, wrong=_said(refusal))
    answer = led_to(back)
    answer.set_cookie(
        session.name,
        session.value,
        max_age=LIFE_SECONDS,
        httponly=True,
        samesite="Strict",
        secure=request.is_secure,
    )
    return answer


def end_session(service: Service) -> Response:
    check_same_origin(request.headers.get)
    answer = led_to(HOME)
    for name in session_names(service.keys):
        answer.delete_cookie(name, httponly=True, samesite="Strict", secure=request.is_secure)
    return answer


def _said(refusal: Unauthorized) -> Message:
    return say("sentences", sentences=[refusal.said, say("key-is-printed-by")])
