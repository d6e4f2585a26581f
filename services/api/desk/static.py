"""Style, script and sign of the desk's pages: small files of our own, the same for everybody."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from flask import Response, request

from services.api.service import Service

_PAGES = Path(__file__).resolve().parent.parent / "pages"


@dataclass(frozen=True)
class StaticFile:
    content: bytes
    content_type: str

    @classmethod
    def of(cls, content_type: str, *names: str) -> "StaticFile":
        """The named files of `pages/`, one after the other."""
        return cls(b"\n".join((_PAGES / name).read_bytes() for name in names), content_type)

    @property
    def tag(self) -> str:
        return hashlib.sha256(self.content).hexdigest()[:16]


FILES = {
    "desk.css": StaticFile.of("text/css; charset=utf-8", "report.css", "desk.css"),
    "desk.js": StaticFile.of("text/javascript; charset=utf-8", "copy_button.js", "desk.js"),
    "sign.svg": StaticFile.of("image/svg+xml", "sign.svg"),
}


def get_style(service: Service) -> Response:
    return _sent("desk.css")


def get_script(service: Service) -> Response:
    return _sent("desk.js")


def get_sign(service: Service) -> Response:
    return _sent("sign.svg")


def _sent(name: str) -> Response:
    """Browsers keep it and ask whether it has changed."""
    file = FILES[name]
    answer = Response(file.content, content_type=file.content_type, headers={"Cache-Control": "no-cache"})
    answer.set_etag(file.tag)
    answer.make_conditional(request)
    return answer
