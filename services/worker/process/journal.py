"""Writes down an attempt's events as they happen: the numbers of its steps, and what was not sent yet."""

import logging
from pathlib import Path

from shared.durable import fsync_path, make_folder
from shared.job_records import WorkerEvent
from shared.journal import journal_line

logger = logging.getLogger(__name__)


class Journal:
    """Append only. A disk that is full or broken costs the journal, never the job that writes it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._is_broken = False
        self._is_listed = False  # whether its name is on the disk, too
        self._append(b"")

    def append(self, event: WorkerEvent) -> bool:
        """Whether the event is in the journal now."""
        return self._append(journal_line(event))

    def sync(self) -> None:
        """Bring it to disk: what comes next lets the store forget the steps that are in it."""
        try:
            fsync_path(self._path)
            if not self._is_listed:
                fsync_path(self._path.parent)
                self._is_listed = True
        except OSError as error:
            logger.warning("the events in %s may not outlive a power loss: %s", self._path, error)

    def _append(self, line: bytes) -> bool:
        try:
            make_folder(self._path.parent)
            with self._path.open("ab", buffering=0) as file:
                text = b"\n" + line if self._is_broken else line  # half a line may stand before it
                if file.write(text) != len(text):
                    raise OSError("only part of a line could be written")
        except OSError as error:
            if not self._is_broken:
                logger.warning("events are not kept in %s: %s", self._path, error)
            self._is_broken = True
            return False
        if self._is_broken:
            logger.info("events are kept in %s again", self._path)
        self._is_broken = False
        return True
