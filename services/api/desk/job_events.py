"""The events of a job page by page, back to the first one."""

from urllib.parse import urlencode

from flask import Response, request

from services.api.desk import job_words
from services.api.desk.shell import desk_page
from services.api.desk.told_events import told_events
from services.api.event_routes import EventsQuery
from services.api.routing import parse_query
from services.api.service import Service

PAGE = 100


def get_events(service: Service, job_id: str) -> Response:
    """Newest first, those older than the event `after`. Raises `NotFound` and `InvalidField`."""
    after = parse_query(EventsQuery, request.args).after
    record = service.store.get(job_id)
    page = service.store.messages(job_id, limit=PAGE, after=after)
    return desk_page(
        "desk_events.html",
        record=record,
        words=job_words,
        events=told_events(page.events),
        newest=path_of(job_id) if after else None,
        older=path_of(job_id, page.events[-1].id) if page.has_more else None,
    )


def path_of(job_id: str, after: str | None = None) -> str:
    own = f"/jobs/{job_id}/events"
    return f"{own}?{urlencode({'after': after})}" if after else own
