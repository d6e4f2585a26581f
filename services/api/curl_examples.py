"""Requests as lines for a shell: the reference shows them, and its tests run each of them.

`$KEY` is the API key. `$JOB`, `$OTHER`, `$FILE`, `$HELD_OUT` and `$MODEL` are ids that an answer before had.
"""

import json
import re
import shlex
from collections.abc import Iterator
from typing import Any

from services.api.event_routes import EVENT_STREAM
from services.api.request_examples import BODIES, FILE_ID, JOB_ID, OTHER_FILE_ID, OTHER_JOB_ID
from services.api.routing import Route

ROWS_FILE = "rows.jsonl"
_VARIABLES = {FILE_ID: "$FILE", OTHER_FILE_ID: "$HELD_OUT", JOB_ID: "$JOB", OTHER_JOB_ID: "$OTHER"}
_PATH_PARTS = {"job_id": "$JOB", "file_id": "$FILE", "model_id": "$MODEL", "delivery_id": "$JOB.1"}
_TO_A_FILE = {"get_adapter": "-O -J", "get_file_content": "-o rows-again.jsonl"}
_QUERIES = {"list_jobs": "?status=queued&limit=5", "get_adapter": "?names=original"}
_BREAK = " \\\n  "


def curl_lines(route: Route, address: str) -> Iterator[tuple[str, str]]:
    """(what it does, the line) of each example of a route, at the service's own address."""
    bodies: dict[str, Any] = BODIES.get(route.name, {}) if route.body is not None else {}
    if not bodies and route.answer != EVENT_STREAM:
        yield route.summary, _line(route, address, None)
    if route.is_stream:
        yield "Follow them as they happen", _line(route, address, None, is_followed=True)
    for title, body in bodies.items():
        yield title, _line(route, address, body)


def _line(route: Route, address: str, body: Any, *, is_followed: bool = False) -> str:
    path = re.sub(r"<(?:\w+:)?(\w+)>", lambda part: _PATH_PARTS[part[1]], route.path)
    url = f"{address}{path}{_QUERIES.get(route.name, '')}"
    method = "" if route.method == "GET" or body is not None or route.is_upload else f"-X {route.method} "
    if is_followed:
        method = "-N "  # each piece is shown as it comes
    parts = [f"curl {method}{_quoted(url)}"]
    if not route.is_public:
        parts.append('-H "Authorization: Bearer $KEY"')
    if is_followed:
        parts.append(f'-H "Accept: {EVENT_STREAM}"')
    if route.is_upload:
        parts += ["-F purpose=fine-tune", f"-F file=@{ROWS_FILE}"]
    if body is not None:
        parts += ['-H "Content-Type: application/json"', f"-d {_json(body)}"]
    if route.name in _TO_A_FILE:
        parts.append(_TO_A_FILE[route.name])
    return _BREAK.join(parts)


def _quoted(url: str) -> str:
    """In quotes where a shell would read more than a word."""
    return url if re.fullmatch(r"[\w:/.-]+", url, re.ASCII) else f'"{url}"'


def _json(body: Any) -> str:
    """Quoted for a shell, with its variables where the example has an id."""
    text = shlex.quote(json.dumps(body, ensure_ascii=False))
    for example, variable in _VARIABLES.items():
        text = text.replace(example, f"'\"{variable}\"'")
    return text
