"""The worker's log lines: what data files and requests wrote steers no terminal and begins no line."""

import logging
import os

from shared.visible import visible

FORMAT = "%(asctime)s %(levelname)s %(processName)s %(name)s: %(message)s"


class LineFormatter(logging.Formatter):
    """One line a message, control characters as escapes; a traceback keeps its lines."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 the library's name
        return super().formatMessage(record).replace("\n", "\\n")

    def format(self, record: logging.LogRecord) -> str:
        return visible(super().format(record))


def log_to_stderr() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(LineFormatter(FORMAT))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def quiet_births_of_children() -> None:
    """In the main process, once Celery has told children its own level: what billiard logs in them below an
    error is that a process begins and ends, before and after our own lines.
    """
    os.environ["_MP_FORK_LOGLEVEL_"] = str(logging.ERROR)
