"""A typed client of the native API."""

import json
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ValidationError

from services.cli.connection import Advance, Connection
from services.cli.failure import CommandFailed, RequestRefused, ServerUnreachable
from shared.messages.message import Message, say
from shared.schemas.records import AcceptedJob, JobEvent, JobRecord

SUBMIT_SECONDS = 300.0  # the API reads the whole data set before it accepts
EXAMINATION_SECONDS = 900.0  # as long as the service reads at most
SUBMIT_TRIES = 3
STREAM_SECONDS = 60.0  # a live stream says something every 15
EVENT_PAGE = 100
JOB_PAGE = 100

Shape = TypeVar("Shape", bound=BaseModel)


class Client:
    """Calls the API at `url` with `key`, of which `key_told` says which it is and where it came from.

    Every call may raise `ServerUnreachable` or `RequestRefused`.
    """

    def __init__(self, url: str, key: str, key_told: Message | None = None) -> None:
        self._api = Connection(url, key, key_told)

    @property
    def url(self) -> str:
        return self._api.url

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self._api.close()

    def upload(self, path: Path, advance: Advance = lambda count_bytes: None) -> str:
        """Send a file for training or evaluation; returns its id."""
        answer = self._api.upload(
            "/v1/files", path, advance, data={"purpose": "fine-tune"}, timeout=SUBMIT_SECONDS
        )
        return str(answer["id"])

    def submit(self, request: dict[str, Any]) -> AcceptedJob:
        """Submit a job; a lost answer is asked for again, and the key keeps that from making two jobs."""
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        for tried in range(1, SUBMIT_TRIES + 1):
            try:
                answer = self._api.ask(
                    "POST", "/v1/jobs", json=request, headers=headers, timeout=SUBMIT_SECONDS
                )
                return _understood(AcceptedJob, answer)
            except ServerUnreachable:
                if tried == SUBMIT_TRIES:
                    raise
                time.sleep(tried)
        raise AssertionError("unreachable")

    def job(self, job_id: str) -> JobRecord:
        return _record(self._api.ask("GET", _path(job_id)))

    def jobs(
        self,
        *,
        kind: str | None,
        status: str | None,
        limit: int | None,
        metadata: Mapping[str, str] | None = None,
    ) -> list[JobRecord]:
        """The newest `limit` jobs (None: all) that have all of `metadata`, newest first."""
        pages = self._job_pages(kind, status, limit, metadata or {})
        return [_record(item) for page in pages for item in page][:limit]

    def job_names(self, kind: str | None = None, status: str | None = None) -> Iterator[tuple[str, str, str]]:
        """(id, kind, status) of every job there is of that kind and status, newest first."""
        for page in self._job_pages(kind, status, None, {}):
            yield from ((str(item["id"]), str(item["kind"]), str(item["status"])) for item in page)

    def _job_pages(
        self, kind: str | None, status: str | None, limit: int | None, metadata: Mapping[str, str]
    ) -> Iterator[list[dict[str, Any]]]:
        seen, after = 0, None
        while limit is None or seen < limit:
            size = JOB_PAGE if limit is None else min(JOB_PAGE, limit - seen)
            query = {"kind": kind, "status": status, "limit": size, "after": after}
            query |= {f"metadata[{name}]": text for name, text in metadata.items()}
            page = self._api.ask("GET", "/v1/jobs", params=_given(query))
            jobs: list[dict[str, Any]] = page["data"]
            yield jobs
            if not page["has_more"] or not jobs:
                return
            seen, after = seen + len(jobs), jobs[-1]["id"]

    def models(self) -> list[str]:
        """Names of models that a request may give, besides ids of the hub."""
        return [str(model["id"]) for model in self.listed("models")]

    def listed(self, kind: Literal["models", "files"]) -> list[dict[str, Any]]:
        """Every object of OpenAI's list of models or files."""
        objects: list[dict[str, Any]] = []
        while True:
            page = self._api.ask("GET", f"/v1/{kind}", params={"after": objects[-1]["id"]} if objects else {})
            objects += page["data"]
            if not page.get("has_more") or not page["data"]:
                return objects

    def cancel(self, job_id: str) -> JobRecord:
        return _record(self._api.ask("POST", f"{_path(job_id)}/cancel"))

    def pause(self, job_id: str) -> JobRecord:
        return _record(self._api.ask("POST", f"{_path(job_id)}/pause"))

    def resume(self, job_id: str) -> JobRecord:
        return _record(self._api.ask("POST", f"{_path(job_id)}/resume"))

    def move(self, job_id: str, place: dict[str, Any]) -> JobRecord:
        """Give a queued job another place in the queue; `place` is the request's one field."""
        return _record(self._api.ask("POST", f"{_path(job_id)}/move", json=place))

    def queue_is_paused(self) -> bool:
        """Whether no job may start."""
        return bool(self._api.ask("GET", "/v1/queue")["paused"])

    def order_queue(self, order: Literal["pause", "resume"]) -> list[str]:
        """Pause or resume the whole queue; the ids of the jobs that were running or go on."""
        return list(self._api.ask("POST", f"/v1/queue/{order}")["jobs"])

    def delete(self, kind: Literal["jobs", "models", "files"], name: str) -> None:
        """Delete one thing for good."""
        self._api.ask("DELETE", f"/v1/{kind}/{quote(name, safe=':')}")

    def deliveries(self, *, limit: int) -> list[dict[str, Any]]:
        """The newest `limit` deliveries of webhooks, newest first."""
        found: list[dict[str, Any]] = []
        while len(found) < limit:
            query = {"limit": min(JOB_PAGE, limit - len(found)), "after": found[-1]["id"] if found else None}
            page = self._api.ask("GET", "/v1/webhooks/deliveries", params=_given(query))
            found += page["data"]
            if not page["has_more"] or not page["data"]:
                break
        return found

    def resend(self, delivery: str) -> dict[str, Any]:
        """Let a delivery be tried at once."""
        return self._api.ask("POST", f"/v1/webhooks/deliveries/{quote(delivery, safe='')}/resend")

    def prune(self, **limits: Any) -> dict[str, Any]:
        """Delete the oldest ended jobs beyond `limits`, or see which; the fields are the request's."""
        return self._api.ask("POST", "/v1/prune", json=limits, timeout=SUBMIT_SECONDS)

    def events_since(self, job_id: str, seen: str | None) -> list[JobEvent]:
        """Events after the one with id `seen` (all, for None), oldest first."""
        fresh: list[JobEvent] = []
        while True:
            after = {"after": fresh[-1].id} if fresh else {}
            page = self._api.ask("GET", f"{_path(job_id)}/events", params={"limit": EVENT_PAGE} | after)
            for item in page["data"]:
                event = JobEvent.model_validate(item)
                if event.id == seen:
                    return fresh[::-1]
                fresh.append(event)
            if not page["has_more"] or not page["data"]:
                return fresh[::-1]

    def live_events(self, job_id: str, seen: str | None) -> Iterator[JobEvent]:
        """Events after the one with id `seen` as they happen. It may end at any time, or have none: ask
        `events_since` then.
        """
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": seen} if seen else {})
        with (
            suppress(ServerUnreachable, RequestRefused),
            self._api.stream(f"{_path(job_id)}/events", headers=headers, timeout=STREAM_SECONDS) as answer,
        ):
            name = ""
            for line in answer.iter_lines():
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data: ") and name in ("message", "metrics"):
                    told = json.loads(line.removeprefix("data: "))
                    yield JobEvent.model_validate({field: told[field] for field in JobEvent.model_fields})

    def report(self, job_id: str) -> dict[str, Any]:
        """The job's result as data."""
        return self._api.ask("GET", f"{_path(job_id)}/report")

    def data_report(self, request: dict[str, Any]) -> dict[str, Any]:
        """What is wrong or odd in a data set that the service has."""
        return self._api.ask("POST", "/v1/datasets/reports", json=request, timeout=EXAMINATION_SECONDS)

    def report_page(self, job_id: str) -> bytes:
        """The same as an HTML page that stands alone."""
        return self._api.send("GET", f"{_path(job_id)}/report", params={"format": "html"}).content

    @contextmanager
    def adapter(
        self, job_id: str, step: int | None, names: str | None = None
    ) -> Iterator[tuple[int | None, Iterator[bytes]]]:
        """(size in bytes if told, pieces) of the tar archive with a job's adapter, or its checkpoint's."""
        query = _given({"step": step, "names": names})
        with self._api.stream(f"{_path(job_id)}/adapter", params=query, timeout=SUBMIT_SECONDS) as answer:
            length = answer.headers.get("Content-Length")
            yield (int(length) if length else None), answer.iter_bytes()


def _record(answer: dict[str, Any]) -> JobRecord:
    return _understood(JobRecord, answer)


def _understood(shape: type[Shape], answer: dict[str, Any]) -> Shape:
    try:
        return shape.model_validate(answer)
    except ValidationError as error:
        raise CommandFailed(
            say("answer-not-understood", error=str(error)), say("check-same-version")
        ) from error


def _path(job_id: str) -> str:
    return f"/v1/jobs/{quote(job_id, safe='')}"


def _given(query: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value is not None}
