"""Events as bytes of a stream: Server-Sent Events, as the HTML standard of WHATWG describes them.

A frame is some lines and an empty one; what is cut before that is dropped by its reader, id and all.
"""

import json
import random
from typing import Any

from services.api.live.order import StreamOrder
from shared.job_records import event_of
from shared.live_events import LiveEvent
from shared.schemas.fields import JobStatus
from shared.schemas.records import JobEvent, ToldEvent

HEARTBEAT = b":\n\n"  # a comment; its reader sees that the connection lives
STORE_IS_SILENT = b": store_unavailable\n\n"
RETURN_MS = (1000, 3000)
# JSON escapes all that ends a line here; these end one for some clients, httpx among them.
LINE_ENDS = {"\x85": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def greeting() -> bytes:
    """When to come back after a cut: not all at the same moment."""
    return f"retry: {random.randint(*RETURN_MS)}\n\n".encode()


def place(event_id: str) -> bytes:
    """Where a listener stands who has no event yet; it takes the id though nothing comes with it."""
    return f"id: {event_id}\n\n".encode()


def job_frame(job_id: str, event: JobEvent) -> bytes:
    """One event in the stream of its job."""
    return _with_id(event.id, _told(job_id, event))


def live_frame(event: LiveEvent, order: StreamOrder) -> bytes:
    """One event as the store just told it, written once for all readers of a kind.

    In the stream of one job its id is the event's, in that of all jobs its place among all events.
    """
    reader = (order.language, order.naming)
    told = event.cache.get(reader)
    if told is None:
        told = event.cache[reader] = _told(event.job_id, event_of(event.id, event.fields))
    return _with_id(event.id if order.job_id else event.place, told)


def gap(job_id: str | None, after: str | None, missing: int | None) -> bytes:
    """After the event `after` some are kept nowhere any more: `missing` of them, None if that is unknown."""
    return _frame("gap", {"job_id": job_id, "after": after, "missing": missing})


def end(job_id: str, status: JobStatus | None) -> bytes:
    """The job has ended so, or (None) it was deleted: nothing more will come."""
    return _frame("end", {"job_id": job_id, "status": status})


def _told(job_id: str, event: JobEvent) -> bytes:
    text = ToldEvent(job_id=job_id, **event.__dict__).model_dump_json()
    for end_of_line, escaped in LINE_ENDS.items():
        text = text.replace(end_of_line, escaped)
    return f"event: {event.type}\ndata: {text}\n\n".encode()


def _with_id(event_id: str, told: bytes) -> bytes:
    return b"id: " + event_id.encode() + b"\n" + told


def _frame(name: str, value: dict[str, Any]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(value)}\n\n".encode()
