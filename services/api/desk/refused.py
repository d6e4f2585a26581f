"""A refusal as a page, for who works in a browser."""

from flask import Response, request

from services.api.desk.entry import ask_for_key
from services.api.desk.forms import HOME, local_path
from services.api.desk.shell import desk_page
from shared.errors import Refusal, StoreUnavailable, Unauthorized
from shared.messages.message import Message, say

ENDPOINT = "page "  # how the endpoints of the desk begin
API = "/v1/"


def wants_page() -> bool:
    """Whether the request came from a browser that opens a page, and not from a program."""
    if request.endpoint is not None:
        return request.endpoint.startswith(ENDPOINT)
    return not request.path.startswith(API) and "text/html" in request.headers.get("Accept", "")


def refusal_page(refusal: Refusal, request_id: str) -> Response:
    """Without a session: the form for the key, which leads to where the browser wanted to go."""
    if isinstance(refusal, Unauthorized):
        wanted = request.full_path.rstrip("?") if request.method == "GET" else HOME
        return ask_for_key(back=local_path(wanted))
    heading, more = _words(refusal)
    answer = desk_page(
        "desk_refused.html",
        status=refusal.status,
        title=refusal.meaning,
        refusal=refusal,
        heading=heading,
        more=more,
        request_id=request_id,
        is_fault=refusal.code == Refusal.code,
    )
    answer.headers.update(refusal.headers)
    return answer


def _words(refusal: Refusal) -> tuple[str | Message, tuple[Message, ...]]:
    """What the page says first, and what more. Who only looks has sent nothing that could be sent again."""
    if isinstance(refusal, StoreUnavailable) and request.method == "GET":
        return say("store-is-away"), (say("start-store-again"), say("jobs-are-unknown"))
    return refusal.message, ()
