"""What happened in a run of chaos, with its time; kept as lines, so that a dead run tells, too."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class History:
    """Notes from all threads of a run. Times are seconds since the epoch, as those of events are."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._file = path.open("a", encoding="utf-8")
        self._notes: list[dict[str, Any]] = []

    def note(self, what: str, **fields: Any) -> None:
        entry = {"at": round(time.time(), 3), "what": what, **fields}
        with self._lock:
            self._notes.append(entry)
            self._file.write(json.dumps(entry) + "\n")
            self._file.flush()

    def all(self, *what: str) -> list[dict[str, Any]]:
        """The notes of one kind, or of several, oldest first."""
        with self._lock:
            return [note for note in self._notes if note["what"] in what]

    def close(self) -> None:
        self._file.close()


def fault_times(history: History) -> Iterator[tuple[float, float, str]]:
    """(begin, end, name) of every fault."""
    for note in history.all("healed"):
        yield note["began"], note["at"], note["fault"]
