"""An attempt's journal: all its events on disk as they happened, one JSON object a line, numbers rising.

A line may be torn by a death or a full disk; it is passed over.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from shared.job_records import WorkerEvent
from shared.json_text import json_text
from shared.small_files import open_regular

NEAR_BYTES = 64 * 1024  # from so close on, reading is quicker than seeking


def journal_line(event: WorkerEvent) -> bytes:
    fields = {
        "number": event.number,
        "at": event.at,
        "level": event.level,
        "type": event.type,
        "message": event.message,
        "data": event.data,
    }
    return json_text(fields).encode() + b"\n"


def journal_events(path: Path, *, first: int = 1, last: int | None = None) -> Iterator[WorkerEvent]:
    """The events numbered `first` to `last`, both included; none where there is no journal to read."""
    try:
        file = open_regular(path)
    except (OSError, ValueError):
        return
    with file:
        file.seek(_start_near(file, first))
        for line in file:
            event = _event_of(line)
            if event is None or event.number < first:
                continue
            if last is not None and event.number > last:
                return
            yield event


def _start_near(file: BinaryIO, number: int) -> int:
    """The beginning of a line, not far before the event `number`: by halves, since numbers rise."""
    low, high = 0, file.seek(0, 2)
    while high - low > NEAR_BYTES:
        middle = (low + high) // 2
        file.seek(middle)
        file.readline()
        start = file.tell()
        event = next((found for line in file if (found := _event_of(line))), None)
        if event is None or event.number >= number:
            high = middle
        else:
            low = start
    return low


def _event_of(line: bytes) -> WorkerEvent | None:
    try:
        written = json.loads(line)
        return WorkerEvent(
            written["number"], written["level"], written["type"], written["message"], written["data"],
            at=written.get("at", 0.0), is_in_journal=True,
        )  # fmt: skip
    except (ValueError, TypeError, KeyError):
        return None
