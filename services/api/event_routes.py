"""Events of jobs: listed, or followed as a stream, which is checked here and sent by `services.api.live`."""

import re
from typing import Literal

from flask import Response, g, request
from pydantic import Field
from werkzeug.datastructures import MIMEAccept

from services.api.live.order import ORDER, StreamOrder
from services.api.service import Service
from shared.errors import InvalidField, NotFound, TooManyStreams
from shared.job_records import event_order
from shared.jobs import TERMINAL
from shared.messages.message import say
from shared.schemas.fields import EVENT_ID_PATTERN, PLACE_PATTERN
from shared.schemas.frozen import Frozen
from shared.schemas.records import JobEvent

EVENT_STREAM = "text/event-stream"
LAST_EVENT_ID = "Last-Event-ID"
MOST_SHOWN_CHARACTERS = 60
_JSON = "application/json"


class EventsQuery(Frozen):
    after: str | None = Field(
        None, pattern=EVENT_ID_PATTERN, description="of the list: an event's id; list those older than it"
    )
    limit: int = Field(100, ge=1, le=1000, description="of the list: how many")
    since: str | None = Field(
        None, pattern=EVENT_ID_PATTERN, description="of the stream: an event's id; send those newer than it"
    )


class StreamQuery(Frozen):
    since: str | None = Field(
        None, pattern=PLACE_PATTERN, description="an id of this stream; send the events after it"
    )


class EventList(Frozen):
    """Newest first."""

    object: Literal["list"] = "list"
    data: list[JobEvent]
    has_more: bool


def list_events(service: Service, *, job_id: str, query: EventsQuery) -> EventList | Response:
    """A list, newest first. With `Accept: text/event-stream` a stream, oldest first, until the job ends."""
    wanted = request.accept_mimetypes or MIMEAccept([(_JSON, 1)])
    best = wanted.best_match([_JSON, EVENT_STREAM])
    if best is None:
        raise NotFound(say("events-are-json-or-stream"))
    if best == EVENT_STREAM:
        return _stream_of_job(service, job_id, query)
    if query.since is not None:
        raise InvalidField(say("only-for-stream", field="since"), param="since")
    page = service.events.page(job_id, after=query.after, limit=query.limit)
    return EventList(data=list(page.events), has_more=page.has_more)


def follow_events(service: Service, *, query: StreamQuery) -> Response:
    """Events as they happen, whichever job's; each has an id of this stream, and its job's in `data`."""
    if request.accept_mimetypes and not request.accept_mimetypes[EVENT_STREAM]:
        raise NotFound(say("all-events-are-a-stream"))
    after = _last_event_id(PLACE_PATTERN, "1764532800000-0") or query.since
    service.store.is_held()  # a store that is away is told now, not in the stream
    return _stream(service, None, after)


def _stream_of_job(service: Service, job_id: str, query: EventsQuery) -> Response:
    for name in ("after", "limit"):
        if name in query.model_fields_set:
            raise InvalidField(say("only-for-list", field=name), param=name)
    after = _last_event_id(EVENT_ID_PATTERN, "1-42") or query.since
    record = service.store.get(job_id)
    if record.status in TERMINAL and after:
        newest = service.events.page(job_id, limit=1).events
        if newest and event_order(newest[0].id) == event_order(after):
            return Response(status=204)  # which tells a browser to come back no more
    return _stream(service, job_id, after)


def _last_event_id(pattern: str, example: str) -> str | None:
    """The header that a client sends when it comes back. Raises `InvalidField` for what is no id."""
    given = request.headers.get(LAST_EVENT_ID) or None  # browsers send an empty one before the first event
    if given is not None and not re.fullmatch(pattern, given):
        shown = ascii(given[:MOST_SHOWN_CHARACTERS])
        raise InvalidField(say("last-event-id-unusable", id=shown, example=example), param=LAST_EVENT_ID)
    return given


def _stream(service: Service, job_id: str | None, after: str | None) -> Response:
    if service.streams_are_full():
        raise TooManyStreams(say("too-many-streams"))
    request.environ[ORDER] = StreamOrder(job_id, after, g.language, g.naming, g.request_id)
    answer = Response(iter(()), content_type=f"{EVENT_STREAM}; charset=utf-8")
    answer.headers["Cache-Control"] = "no-store, no-transform"
    answer.headers["X-Accel-Buffering"] = "no"
    return answer
