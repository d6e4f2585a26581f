"""All events of one attempt, on disk as they happen: what a dead process did not send, the next does."""

import json
import logging
import time
from collections.abc import Iterator
from pathlib import Path

from shared.job_records import WorkerEvent

logger = logging.getLogger(__name__)

_FIELDS = ("number", "level", "type", "message", "data")


class Journal:
    """Append only. A disk that is full or broken costs the journal, never the job that writes it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._broken = False
        self._append("")

    def append(self, event: WorkerEvent) -> None:
        self._append(json.dumps({"at": time.time(), **vars(event)}, ensure_ascii=False) + "\n")

    def _append(self, text: str) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(text)
        except OSError as error:
            if not self._broken:
                logger.warning("events are not kept in %s: %s", self._path, error)
            self._broken = True


def journal_events(path: Path) -> Iterator[WorkerEvent]:
    """The events of a journal up to the first line that is none: a process's death may tear its last one."""
    if not path.is_file():
        return
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            try:
                written = json.loads(line)
                event = WorkerEvent(*(written[field] for field in _FIELDS))
            except (ValueError, TypeError, KeyError):
                return
            yield event
