"""Logs as JSON lines, without keys."""

import json
import logging
import re
from datetime import UTC, datetime
from typing import Any

from shared.visible import visible

_KEY = re.compile(r"\btd_[A-Za-z0-9]{8}_[A-Za-z0-9_-]{10,}")


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, the `fields` of the record, the traceback.

    What a sender wrote is in it with escapes, so that showing a log steers no terminal.
    """

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return visible(without_keys(json.dumps(line, ensure_ascii=False, default=str)))


def without_keys(text: str) -> str:
    """`text` with every API key of our making blotted out."""
    return _KEY.sub("td_…", text)


def logging_config() -> dict[str, Any]:
    """For `logging.config.dictConfig` and gunicorn: everything to standard error as JSON lines."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonFormatter}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"level": "INFO", "handlers": ["stderr"]},
        "loggers": {
            "gunicorn.error": {"level": "INFO", "propagate": True, "handlers": []},
            "gunicorn.access": {"level": "WARNING", "propagate": False, "handlers": []},
        },
    }
