"""A client of live events, as strict as a browser: what is cut before its empty line is dropped."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.api.server import Server

EVENT_STREAM = {"Accept": "text/event-stream"}


@dataclass(frozen=True)
class Frame:
    event: str
    data: Any


@dataclass
class Listening:
    """One client: what it was told so far, and the id that it comes back with."""

    server: Server
    path: str
    last_id: str | None = None
    stop_at: str | None = None  # the message after which it listens no more
    told: list[Frame] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    retry_ms: int | None = None

    @property
    def ids(self) -> list[str]:
        """Of the events: each job's own."""
        return [f"{frame.data['job_id']} {frame.data['id']}" for frame in self.told if "id" in frame.data]

    @property
    def is_done(self) -> bool:
        return bool(self.told) and self.told[-1].data.get("message", "") == self.stop_at

    @contextmanager
    def opened(self, timeout_seconds: float = 20) -> Iterator[httpx.Response]:
        headers = self.server.headers | EVENT_STREAM
        if self.last_id is not None:
            headers["Last-Event-ID"] = self.last_id
        with httpx.stream(
            "GET", f"{self.server.url}{self.path}", headers=headers, timeout=timeout_seconds, trust_env=False
        ) as answer:
            yield answer

    def listen(self, most: int | None = None) -> bool:
        """Listen until `most` more frames have come, or to the end; whether the server ended it."""
        with self.opened() as answer:
            assert answer.status_code == 200, answer.read()
            return self.hear(answer.iter_lines(), most)

    def hear(self, lines: Iterator[str], most: int | None = None) -> bool:
        if most == 0:
            return False
        fields: dict[str, str] = {}
        for line in lines:
            if line:
                self._line(line, fields)
            elif self._dispatch(fields) and most is not None:
                most -= 1
                if not most or self.is_done:
                    return False
        return True

    def _line(self, line: str, fields: dict[str, str]) -> None:
        name, _, value = line.partition(":")
        if name:
            fields[name] = value.removeprefix(" ")
        else:
            self.comments.append(value.strip())

    def _dispatch(self, fields: dict[str, str]) -> bool:
        self.last_id = fields.get("id", self.last_id)
        if "retry" in fields:
            self.retry_ms = int(fields["retry"])
        if is_frame := "data" in fields:
            self.told.append(Frame(fields["event"], json.loads(fields["data"])))
        fields.clear()
        return is_frame
