"""The log file of a supervised process: it rotates by size; a full disk costs lines, never the process."""

import logging
import sys
from collections.abc import Callable
from logging.handlers import RotatingFileHandler
from pathlib import Path

from shared.messages.message import Message, say

LOG_BYTES = 5 * 1024 * 1024
LOG_FILES_KEPT = 3


class ProcessLog(RotatingFileHandler):
    """Takes lines; `tell` hears once when the file takes none any more, and once when it does again."""

    def __init__(self, path: Path, tell: Callable[[Message], None]) -> None:
        super().__init__(path, maxBytes=LOG_BYTES, backupCount=LOG_FILES_KEPT, encoding="utf-8", delay=True)
        self._path = path
        self._tell = tell
        self._errors: list[str] = []  # of the line that is being written
        self._was_told = False

    def keep(self, line: str) -> None:
        """Never raises: what can't be written is lost."""
        self._errors.clear()
        self.emit(logging.makeLogRecord({"msg": line}))
        is_lost, was_told, self._was_told = bool(self._errors), self._was_told, bool(self._errors)
        if is_lost and not was_told:
            self._tell(say("log-loses-lines", path=str(self._path), error=self._errors[0]))
        elif was_told and not is_lost:
            self._tell(say("log-takes-lines-again", path=str(self._path)))

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging calls it so
        """Called by `emit` where an exception is being handled."""
        error = sys.exception()
        self._errors.append(getattr(error, "strerror", None) or str(error))
