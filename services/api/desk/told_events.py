"""A job's events as its page tells them, and the row that it showed as the model reads it."""

from collections.abc import Iterable, Iterator
from typing import Any

from services.api.page_kit.shown_rows import ShownRow, stretches
from shared.schemas.records import JobEvent

ROW_CODE = "rendered_row"


def shown_rows(events: Iterable[JobEvent]) -> tuple[ShownRow, ...]:
    """The rows that a job's events show rendered, the first one first."""
    found = [row for event in events if event.data.get("code") == ROW_CODE for row in _row(event.data)]
    return tuple(reversed(found))


def told_events(events: Iterable[JobEvent]) -> tuple[JobEvent, ...]:
    """Without the rows, which stand by themselves."""
    return tuple(event for event in events if event.data.get("code") != ROW_CODE)


def _row(data: dict[str, Any]) -> Iterator[ShownRow]:
    """None where another release wrote it otherwise."""
    text, learned, left_out = data.get("text"), data.get("learned"), data.get("tokens_left_out")
    if not isinstance(text, str) or not isinstance(learned, list):
        return
    try:
        found = tuple(stretches(text, [(int(start), int(end)) for start, end in learned]))
    except (TypeError, ValueError):
        return
    yield ShownRow(found, left_out if isinstance(left_out, int) else 0)
