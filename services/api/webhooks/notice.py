"""What a receiver gets: a small event as JSON, and headers that prove from whom and when it is.

The event has the form of OpenAI's webhooks, and the headers are those of Standard Webhooks 1.0.0.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterable

from shared.version import VERSION
from shared.webhook_store import Due


def body_of(due: Due) -> bytes:
    """The same for every try."""
    event = {
        "id": due.event_id,
        "object": "event",
        "type": due.type,
        "created_at": int(due.created_at),
        "data": {"id": due.job_id},
    }
    return json.dumps(event, separators=(",", ":")).encode()


def headers_of(due: Due, body: bytes, keys: Iterable[bytes], at_seconds: float) -> dict[str, str]:
    """`at_seconds`: of this try, UTC; receivers refuse what is older than five minutes."""
    sent_at = str(int(at_seconds))
    return {
        "Content-Type": "application/json",
        "User-Agent": f"Tunedock/{VERSION}",
        "webhook-id": due.event_id,
        "webhook-timestamp": sent_at,
        "webhook-signature": " ".join(signature(key, due.event_id, sent_at, body) for key in keys),
    }


def signature(key: bytes, event_id: str, sent_at: str, body: bytes) -> str:
    """Standard Webhooks' `v1`: HMAC-SHA256 over `id.timestamp.body`, in base64."""
    signed = b".".join((event_id.encode(), sent_at.encode(), body))
    return f"v1,{base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()}"
