"""A process's output as lines: whole for its log, short for the terminal, without keys for both."""

import json
import re
from typing import Any

from shared.visible import visible

LONGEST_CHARACTERS = 300
ACCESS_LOGGER = "tunedock.access"
PROBED_PATHS = ("/healthz", "/readyz")

_QUEUE_CHATTER = re.compile(r"\bINFO[ /]\S+ celery\.")  # the runner tells of jobs better
_BLOTTED_KEY = re.compile(r"td_[0-9A-Za-z]{8}_…")
_KEY = re.compile(r"\btd_([0-9A-Za-z]{8})_[\w-]{20,}")


def log_line(raw: bytes) -> str:
    """What a log keeps: of a redrawn bar the last state; no secret of an API key, no control character."""
    line = raw.decode("utf-8", errors="replace").rstrip()
    return visible(_KEY.sub(r"td_\1_…", line.rpartition("\r")[2]))


def terminal_line(name: str, line: str) -> str | None:
    """What the terminal shows of a log's line; None for what only the log needs."""
    if name == "store" or not line.strip() or _QUEUE_CHATTER.search(line) or _BLOTTED_KEY.fullmatch(line):
        return None
    try:
        entry = json.loads(line)
        text = _entry_text(entry) if isinstance(entry, dict) else line
    except ValueError:
        text = line
    return f"{name:6} │ {_on_one_line(text)[:LONGEST_CHARACTERS]}" if text else None


def _on_one_line(text: str) -> str:
    """A sender's line end begins no line that looks like ours."""
    return visible(text).replace("\n", "\\n")


def _entry_text(entry: dict[str, Any]) -> str:
    """A structured line in words; requests that only looked, and were answered, are left out."""
    if entry.get("logger") == ACCESS_LOGGER and "method" not in entry:
        # a stream of events has ended, or what came was no request
        return f"{entry.get('message')} → {entry['status']}" if "status" in entry else ""
    if entry.get("logger") == ACCESS_LOGGER:
        only_looked = entry.get("method") == "GET" and int(entry.get("status", 0)) < 400
        if only_looked or entry.get("path") in PROBED_PATHS:
            return ""
        return f"{entry.get('method')} {entry.get('path')} → {entry.get('status')}"
    level = str(entry.get("level", "info"))
    return f"{'' if level == 'info' else level + ': '}{entry.get('message', '')}"
