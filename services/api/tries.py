"""One try of a create: what tells a repeat of an earlier request from a new one."""

from dataclasses import dataclass

from flask import request

from services.api.routing import json_body
from shared.errors import InvalidField
from shared.job_store import request_fingerprint
from shared.messages.message import say

LONGEST_KEY_CHARACTERS = 255


@dataclass(frozen=True)
class Try:
    """`fingerprint` is of the body as sent and the route; `is_retry` is said by OpenAI's clients."""

    idempotency_key: str | None
    fingerprint: str
    is_retry: bool


def this_try(route: str) -> Try:
    """The try that the current request is. Raises `InvalidField` for a key that can't be one."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not (
        0 < len(key) <= LONGEST_KEY_CHARACTERS and key.isascii() and key.isprintable()
    ):
        raise InvalidField(
            say("idempotency-key-unusable", most=LONGEST_KEY_CHARACTERS, count=len(key), key=ascii(key[:40])),
            param="Idempotency-Key",
        )
    retries = request.headers.get("x-stainless-retry-count", "0")
    return Try(
        idempotency_key=key,
        fingerprint=request_fingerprint({"route": route, "body": json_body()}),
        is_retry=retries.isdecimal() and int(retries[:9]) >= 1,
    )
