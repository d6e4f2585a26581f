"""One POST to an address that was checked: no redirect, no proxy, no second lookup, one limit of time."""

import functools
import http.client
import io
import re
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from email.message import Message as Headers

from shared.messages.message import Message, say
from shared.name_lookup import addresses_of
from shared.public_addresses import is_public
from shared.webhook_url import WebhookUrl

MOST_HEAD_BYTES = 64 * 1024
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5]\d\d)[ \r\n]")


class NotSent(Exception):
    """No answer came; `said` is why."""

    def __init__(self, said: Message) -> None:
        super().__init__(said.message_id)
        self.said = said


@dataclass(frozen=True)
class Answer:
    """What of a receiver's answer counts. Nobody is shown its body, so nothing can be read through us."""

    status: int
    headers: Headers


class _Limit:
    """The time that is left of a limit."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._ends = time.monotonic() + seconds

    @property
    def left(self) -> float:
        """Raises TimeoutError."""
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


def post(
    target: WebhookUrl,
    headers: Mapping[str, str],
    body: bytes,
    *,
    may_be_private: bool,
    limit_seconds: float,
    lookup: Callable[..., list[str]] = addresses_of,
) -> Answer:
    """Send `body`, and read the head of the answer. Raises `NotSent`.

    Every address that the host has is checked before the first is connected to, and then that very address is
    used: a name that leads elsewhere a moment later changes nothing. TLS and the header Host keep the name.
    """
    limit = _Limit(limit_seconds)
    try:
        addresses = _checked(target, lookup, may_be_private, limit)
        with closing(_connected(target, addresses, limit)) as connection:
            connection.settimeout(limit.left)
            connection.sendall(_request(target, headers, body))
            return _answer(connection, limit)
    except TimeoutError:
        raise NotSent(say("webhook-silent", host=target.place, limit_seconds=limit.seconds)) from None
    except ssl.SSLCertVerificationError as error:
        problem = error.verify_message
        raise NotSent(say("webhook-certificate-wrong", host=target.place, error=problem)) from None
    except OSError as error:
        why = error.strerror or str(error) or type(error).__name__
        raise NotSent(say("webhook-not-connected", host=target.place, error=why)) from None


def _checked(
    target: WebhookUrl, lookup: Callable[..., list[str]], may_be_private: bool, limit: _Limit
) -> list[str]:
    try:
        addresses = lookup(target.host, target.port, limit_seconds=limit.left)
    except TimeoutError:
        raise
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise NotSent(say("webhook-host-unknown", host=target.host, error=why)) from None
    private = [address for address in addresses if not is_public(address)]
    if private and not may_be_private:
        raise NotSent(say("webhook-host-is-private", host=target.host, address=private[0]))
    return addresses


def _connected(target: WebhookUrl, addresses: list[str], limit: _Limit) -> socket.socket:
    """The first of the addresses that answers."""
    failure = OSError("the host has no address")
    for tried, address in enumerate(addresses):
        share = limit.left / (len(addresses) - tried)  # one that is silent leaves time for the next
        try:
            plain = socket.create_connection((address, target.port), timeout=share)
            break
        except OSError as error:
            failure = error
    else:
        raise failure
    if target.scheme == "http":
        return plain
    try:
        plain.settimeout(limit.left)
        return _trust().wrap_socket(plain, server_hostname=target.host)
    except BaseException:
        plain.close()
        raise


@functools.cache
def _trust() -> ssl.SSLContext:
    """The system's authorities, and those that SSL_CERT_FILE names."""
    return ssl.create_default_context()


def _request(target: WebhookUrl, headers: Mapping[str, str], body: bytes) -> bytes:
    own = {"Host": target.place, **headers, "Content-Length": str(len(body)), "Connection": "close"}
    lines = [f"POST {target.path} HTTP/1.1", *(f"{name}: {value}" for name, value in own.items()), "", ""]
    return "\r\n".join(lines).encode("ascii") + body


def _answer(connection: socket.socket, limit: _Limit) -> Answer:
    """The final answer's head; those before it (1xx) say only that it will come."""
    received = b""
    while len(received) < MOST_HEAD_BYTES:
        while end := re.search(rb"\r?\n\r?\n", received):
            head, received = received[: end.end()], received[end.end() :]
            answer = _read(head)
            if answer.status >= 200:
                return answer
        connection.settimeout(limit.left)
        piece = connection.recv(16 * 1024)
        if not piece:
            break
        received += piece
    raise NotSent(say("webhook-speaks-no-http"))


def _read(head: bytes) -> Answer:
    found = _STATUS.match(head)
    if not found:
        raise NotSent(say("webhook-speaks-no-http"))
    try:
        return Answer(int(found[1]), http.client.parse_headers(io.BytesIO(head.partition(b"\n")[2])))
    except http.client.HTTPException:
        raise NotSent(say("webhook-speaks-no-http")) from None
