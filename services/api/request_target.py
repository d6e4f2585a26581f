"""The target of a request as a path, in whichever form it was sent."""

import re
from urllib.parse import unquote_to_bytes

from services.api.bodies import Message

_ABSOLUTE = re.compile(rb"https?://(?:[^/@]*@)?([^/@]+)(/.*)?", re.IGNORECASE | re.DOTALL)


def in_origin_form(scope: Message) -> Message:
    """`scope` with a path as its target; of an absolute target the host takes the place of the header `Host`.

    RFC 9112, section 3.2.2: a server accepts both forms, and goes by the host of the absolute one.
    """
    found = _ABSOLUTE.fullmatch(scope["raw_path"])
    if found is None:
        return scope
    raw_path = found[2] or b"/"
    headers = [(name, value) for name, value in scope["headers"] if name != b"host"]
    path = unquote_to_bytes(raw_path).decode("utf-8", errors="replace")
    return {**scope, "raw_path": raw_path, "path": path, "headers": [*headers, (b"host", found[1])]}
