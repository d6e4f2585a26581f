"""All jobs, newest first, page by page: of one kind, of one status, or all."""

from functools import partial
from typing import TypeVar, get_args
from urllib.parse import urlencode

from flask import Response, request

from services.api.desk import job_words
from services.api.desk.forms import led_to
from services.api.desk.rows_to_read import rows_name
from services.api.desk.shell import desk_page
from services.api.service import Service
from shared.errors import NotFound
from shared.schemas.fields import JobKind, JobStatus

Word = TypeVar("Word", bound=str)
PAGE = 30
OWN_PATH = "/jobs"


def get_jobs(service: Service) -> Response:
    """Words that are no kind and no status ask for all. Raises `StoreUnavailable`."""
    kind = _asked("kind", get_args(JobKind))
    status = _asked("status", get_args(JobStatus))
    after = request.args.get("after") or None
    try:
        page = service.store.list_jobs(kind=kind, status=status, after=after, limit=PAGE)
    except NotFound:  # the job that this page began after was deleted
        return led_to(_path(kind=kind, status=status))
    return desk_page(
        "desk_jobs.html",
        records=page.records,
        kinds=get_args(JobKind),
        statuses=get_args(JobStatus),
        asked_kind=kind,
        asked_status=status,
        is_first=after is None,
        newest=_path(kind=kind, status=status),
        older=_path(kind=kind, status=status, after=page.records[-1].id) if page.has_more else None,
        words=job_words,
        rows_name=partial(rows_name, service),
    )


def _asked(name: str, words: tuple[Word, ...]) -> Word | None:
    given = request.args.get(name)
    return next((word for word in words if word == given), None)


def _path(**query: str | None) -> str:
    given = {name: value for name, value in query.items() if value}
    return f"{OWN_PATH}?{urlencode(given)}" if given else OWN_PATH
