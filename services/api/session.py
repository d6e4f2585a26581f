"""Who a request is known by: an API key, or a browser session that a key began.

A session is a signed cookie; nothing is kept of it. Its secret is made from the key that began it, so that it
ends where that key is removed. So is its name, since browsers send a host's cookies to all its ports.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from services.api.auth import KeyRing
from shared.errors import CrossSite, Unauthorized
from shared.messages.message import say

LIFE_SECONDS = 30 * 86_400
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
NAME_BEGINS = "tunedock_session_"

Header = Callable[[str], str | None]
"""The value of a request's header by its name in small letters; None where it has none."""


@dataclass(frozen=True)
class Session:
    """A cookie that a browser is given."""

    name: str
    value: str


def begin_session(keys: KeyRing, key: str) -> Session:
    """A new session for who has `key`. Raises `Unauthorized`."""
    digest = keys.digest_of(key)
    until = f"{int(time.time()) + LIFE_SECONDS}.{secrets.token_urlsafe(12)}"
    return Session(_name(digest), f"{until}.{_signature(digest, until)}")


def has_session(keys: KeyRing, header: Header) -> bool:
    """Whether the request carries a cookie of a session that has not ended."""
    cookies = _cookies(header("cookie"))
    return any(_is_open(digest, cookies.get(_name(digest), "")) for digest in keys.digests)


def session_names(keys: KeyRing) -> list[str]:
    """The names of the cookies that sessions of this installation may have."""
    return [_name(digest) for digest in keys.digests]


def check_request(keys: KeyRing, method: str, header: Header) -> None:
    """Raises `Unauthorized` unless the request has a key or a session, and `CrossSite` for one that a session
    would let change something, sent by another site's page.
    """
    authorization = header("authorization")
    if authorization is not None:
        keys.check(authorization)
        return
    if not has_session(keys, header):
        raise Unauthorized(say("key-missing"))
    if method not in SAFE_METHODS:
        check_same_origin(header)


def check_same_origin(header: Header) -> None:
    """Raises `CrossSite` unless a page of this very address sent the request.

    Browsers say so in Sec-Fetch-Site, on plain http in Origin alone. SameSite is not enough: it counts other
    ports of this host as the same site.
    """
    site = header("sec-fetch-site")
    origin, host = urlsplit(header("origin") or "").netloc, header("host") or ""
    is_same = site == "same-origin" if site is not None else bool(origin) and origin.lower() == host.lower()
    if not is_same:
        raise CrossSite(say("sent-by-another-site"))


def _cookies(header: str | None) -> dict[str, str]:
    """Other programs of this host have theirs in it, in whatever form: no parser that refuses one."""
    return dict(part.strip().partition("=")[::2] for part in (header or "").split(";"))


def _is_open(digest: bytes, value: str) -> bool:
    until, _, signature = value.rpartition(".")
    if not hmac.compare_digest(signature.encode("utf-8", "replace"), _signature(digest, until).encode()):
        return False
    return int(until.partition(".")[0]) > time.time()  # signed, so it is ours


def _name(digest: bytes) -> str:
    return NAME_BEGINS + hmac.digest(digest, b"the session's name", hashlib.sha256).hex()[:12]


def _signature(digest: bytes, until: str) -> str:
    secret = hmac.digest(digest, b"the session's secret", hashlib.sha256)
    return hmac.new(secret, until.encode("utf-8", "replace"), hashlib.sha256).hexdigest()
