"""What a form of the desk sent: fields as text, and the page that it leads back to."""

import re
from urllib.parse import quote

from flask import Response, request

from services.api.routing import reading_body
from shared.errors import MalformedRequest
from shared.messages.message import say

HOME = "/"
SEE_OTHER = 303
FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")

# One slash at its beginning: a path of this server. Two, or a backslash, would name another host.
_LOCAL = re.compile(r"/(?![/\\])[^\x00-\x20\\\x7f]*")


def sent_fields() -> dict[str, str]:
    """The fields of the form, without blanks around them and without those left empty."""
    if request.mimetype not in FORM_TYPES and request.content_length:
        raise MalformedRequest(say("form-of-page-has-other-type", type=request.mimetype or "?"))
    with reading_body():
        fields = request.form.to_dict()
    return {name: text for name, value in fields.items() if (text := value.strip())}


def local_path(text: str | None) -> str:
    """`text` if it is a path of this server, else the first page."""
    return text if text and len(text) <= 2000 and _LOCAL.fullmatch(text) else HOME


def led_to(path: str) -> Response:
    """The browser goes on to `path`, whose escapes stay as they are."""
    return Response(status=SEE_OTHER, headers={"Location": quote(path, safe="/?&=%:;,+@!$'()*~")})
