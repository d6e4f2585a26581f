"""Every error as problem details (RFC 9457), with the member `error` that OpenAI's clients read.

Who opens a page in a browser gets a page instead.
"""

import json
import logging
import secrets
from typing import Any

from flask import Flask, Response, current_app, g, request
from werkzeug import exceptions as http

from services.api.desk.refused import refusal_page, wants_page
from services.api.free_space import disk_refusal, tell_little_room
from services.api.not_offered import why_absent
from services.api.openai_statuses import status_on
from services.api.unread_disk import read_refusal
from shared.errors import MalformedRequest, MethodNotAllowed, Refusal, TooLarge
from shared.messages.message import say
from shared.messages.render import shown
from shared.settings import Settings

MEDIA_TYPE = "application/problem+json"

_log = logging.getLogger(__name__)


def register_errors(app: Flask, settings: Settings) -> None:
    """Let `app` answer every exception, its own unknown pages included, as problem details."""

    @app.errorhandler(Refusal)
    def _refused(refusal: Refusal) -> Response:
        tell_little_room(refusal, settings)
        return problem(refusal)

    @app.errorhandler(http.HTTPException)
    def _http_error(error: http.HTTPException) -> Response:
        answer = problem(_refusal_of(error))
        if isinstance(error, http.MethodNotAllowed) and error.valid_methods:
            answer.headers["Allow"] = ", ".join(sorted(set(error.valid_methods) - {"OPTIONS"}))
        return answer

    @app.errorhandler(Exception)
    def _fault(error: Exception) -> Response:
        return problem(_disk_s_fault(error, settings) or _our_fault(error))


def problem(refusal: Refusal) -> Response:
    """The answer to a refused request; to a browser that opens a page of the desk, it is one."""
    if wants_page():
        return refusal_page(refusal, g.get("request_id", ""))
    refusal.status = status_on(request.path, refusal.status)
    answer = Response(
        json.dumps(problem_fields(refusal, g.get("request_id", "")), ensure_ascii=False, default=str),
        status=refusal.status,
        content_type=MEDIA_TYPE,
    )
    answer.headers.update(refusal.headers)
    return answer


def new_request_id() -> str:
    return f"req_{secrets.token_hex(12)}"


def problem_fields(refusal: Refusal, request_id: str) -> dict[str, Any]:
    """RFC 9457's members, ours (`code`, `request_id`, `errors`), and OpenAI's `error`."""
    return {
        "type": f"urn:tunedock:problem:{refusal.code}",
        "title": shown(refusal.meaning),
        "status": refusal.status,
        "detail": refusal.message,
        "code": refusal.code,
        "request_id": request_id,
        "errors": [{"path": error.path, "message": error.message} for error in refusal.errors],
        "error": {
            "message": _with_lines(refusal),
            "type": _openai_type(refusal.status),
            "param": refusal.param,
            "code": refusal.code,
        },
    }


def _with_lines(refusal: Refusal) -> str:
    """OpenAI's clients show this text alone, so it carries the first few lines that are wrong."""
    shown = [f"{error.path}: {error.message}" for error in refusal.errors[:3]]
    if any(error.message in refusal.message for error in refusal.errors[:3]):
        return refusal.message
    return " ".join([refusal.message, "; ".join(shown)]).strip()


def _openai_type(status: int) -> str:
    if status == 429:
        return "rate_limit_error"
    return "server_error" if status >= 500 else "invalid_request_error"


def _refusal_of(error: http.HTTPException) -> Refusal:
    match error.code:
        case 404:
            return why_absent(request.path)
        case 405:
            return MethodNotAllowed(say("no-such-method"))
        case 413:
            return TooLarge(say("body-too-large", json_bytes=int(current_app.config["MAX_CONTENT_LENGTH"])))
        case code if code is not None and 400 <= code < 500:
            return MalformedRequest(
                say("request-unreadable", reason=(error.description or str(code)).rstrip("."))
            )
    return _our_fault(error)


def _disk_s_fault(error: Exception, settings: Settings) -> Refusal | None:
    """The disk did not take what a request changes, or did not give what one asks for."""
    if not isinstance(error, OSError):
        return None
    if request.method not in ("GET", "HEAD"):
        return disk_refusal(error)
    refusal = read_refusal(error, request.path, settings)
    if refusal is not None:
        _log.warning("a disk fails", exc_info=error, extra={"fields": _seen()})
    return refusal


def _our_fault(error: Exception) -> Refusal:
    """The log's line has the request id that the answer names."""
    _log.error("unexpected error", exc_info=error, extra={"fields": _seen()})
    return Refusal(say("our-fault"))


def _seen() -> dict[str, str]:
    return {"request_id": g.get("request_id", ""), "method": request.method, "path": request.path[:200]}
