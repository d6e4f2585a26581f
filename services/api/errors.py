"""Every error as problem details (RFC 9457), with the member `error` that OpenAI's clients read."""

import json
import logging
from typing import Any

from flask import Flask, Response, g
from pydantic import ValidationError
from werkzeug import exceptions as http

from shared.errors import (
    FieldError,
    InvalidField,
    MalformedRequest,
    MethodNotAllowed,
    NotFound,
    Refusal,
    TooLarge,
)

MEDIA_TYPE = "application/problem+json"
LONGEST_SEEN_CHARACTERS = 80

_log = logging.getLogger(__name__)


def register_errors(app: Flask) -> None:
    """Let `app` answer every exception, its own unknown pages included, as problem details."""

    @app.errorhandler(Refusal)
    def _refused(refusal: Refusal) -> Response:
        return problem(refusal)

    @app.errorhandler(http.HTTPException)
    def _http_error(error: http.HTTPException) -> Response:
        answer = problem(_refusal_of(error))
        if isinstance(error, http.MethodNotAllowed) and error.valid_methods:
            answer.headers["Allow"] = ", ".join(sorted(set(error.valid_methods) - {"OPTIONS"}))
        return answer

    @app.errorhandler(Exception)
    def _fault(error: Exception) -> Response:
        _log.error("unexpected error", exc_info=error)
        return problem(
            Refusal("This is a fault of Tunedock, not of the request. Its log has the request id.")
        )


def problem(refusal: Refusal) -> Response:
    """The answer to a refused request."""
    answer = Response(
        json.dumps(problem_fields(refusal, g.get("request_id", "")), ensure_ascii=False, default=str),
        status=refusal.status,
        content_type=MEDIA_TYPE,
    )
    answer.headers.update(refusal.headers)
    return answer


def problem_fields(refusal: Refusal, request_id: str) -> dict[str, Any]:
    """RFC 9457's members, ours (`code`, `request_id`, `errors`), and OpenAI's `error`."""
    return {
        "type": f"urn:tunedock:problem:{refusal.code}",
        "title": refusal.meaning,
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


def invalid_field(error: ValidationError, value: Any) -> InvalidField:
    """What pydantic found wrong with `value`, in our words; one entry a field."""
    messages: dict[str, list[str]] = {}
    for problem in error.errors(include_url=False, include_context=False):
        said = messages.setdefault(_path(problem, value), [])
        if (message := _message(problem)) not in said:
            said.append(message)
    found = tuple(FieldError(path, "; or ".join(said)) for path, said in messages.items())
    first = found[0]
    detail = f"{first.path}: {first.message}" if first.path else first.message
    more = f" (and {len(found) - 1} more, see `errors`)" if len(found) > 1 else ""
    return InvalidField(detail + more, param=first.path or None, errors=found)


def _path(problem: Any, value: Any) -> str:
    """Where the sender finds the field: pydantic's path without its own names for the choices it tried."""
    *inner, last = problem["loc"] or ("",)
    parts: list[str] = []
    for part in inner:
        if isinstance(value, dict | list) and (part in value if isinstance(value, dict) else True):
            value = value[part]
            parts.append(str(part))
    is_field = isinstance(value, dict) and (last in value or problem["type"] == "missing")
    if is_field or isinstance(last, int):
        parts.append(str(last))
    return ".".join(parts)


def _message(problem: Any) -> str:
    if problem["type"] == "extra_forbidden":
        return "unknown field"
    if problem["type"] == "missing":
        return "is required"
    said: str = problem["msg"].removeprefix("Value error, ")
    seen = problem["input"]
    if problem["type"] == "value_error" or isinstance(seen, dict | list):
        return said
    shown = json.dumps(seen, ensure_ascii=True, default=str)
    return (
        f"{said}, saw {shown[:LONGEST_SEEN_CHARACTERS]}{'…' if len(shown) > LONGEST_SEEN_CHARACTERS else ''}"
    )


def _with_lines(refusal: Refusal) -> str:
    """OpenAI's clients show this text alone, so it carries the first few lines that are wrong."""
    shown = [f"{error.path}: {error.message}" for error in refusal.errors[:3]]
    if not shown or any(line in refusal.message for line in shown):
        return refusal.message
    return f"{refusal.message} {'; '.join(shown)}"


def _openai_type(status: int) -> str:
    if status == 429:
        return "rate_limit_error"
    return "server_error" if status >= 500 else "invalid_request_error"


def _refusal_of(error: http.HTTPException) -> Refusal:
    match error.code:
        case 404:
            return NotFound("There is no such page. /docs lists what there is.")
        case 405:
            return MethodNotAllowed("This page exists, but not with this method. /docs lists what there is.")
        case 413:
            return TooLarge("The body, or a form field in it, is larger than allowed.")
        case code if code is not None and 400 <= code < 500:
            return MalformedRequest(error.description or "The request can't be read.")
    _log.error("unexpected HTTP error", exc_info=error)
    return Refusal("This is a fault of Tunedock, not of the request. Its log has the request id.")
