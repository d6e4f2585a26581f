"""The end of a job in words for people: what was reached, where it is, what to do next."""

import json
from collections.abc import Callable
from typing import Any

from services.cli.outcome.dry_run import dry_run_text
from services.cli.outcome.evaluated import evaluated_text
from services.cli.outcome.loaded import diagnosed_text, prepared_text
from services.cli.outcome.place import Place
from services.cli.outcome.rows_reported import rows_reported_text
from services.cli.outcome.trained import trained_text
from shared.messages.message import say
from shared.messages.render import shown
from shared.schemas.records import JobRecord

__all__ = ["Place", "Words", "outcome_text"]

Words = Callable[[str], str]


def outcome_text(record: JobRecord, place: Place, *, words: Words = str) -> str:
    """Of an ended job; `words` says a message's fields as the command calls them.

    A result of another release, which lacks what is told here, is shown as it is.
    """
    if record.error is not None:
        failed = say(
            "job-failed-with",
            job=record.id,
            status=record.status,
            code=record.error.code,
            message=words(record.error.message),
        )
        events = say("its-events", command=place.command("events", record.id))
        return "\n".join([shown(failed), words(record.error.remedy), "", shown(events)])
    if record.result is None:
        return shown(say("job-has-status", job=record.id, status=record.status))
    try:
        return _result_text(record, record.result, place)
    except (KeyError, TypeError, ValueError, AttributeError):
        return plain(record.result)


def plain(result: dict[str, Any]) -> str:
    """The text that a result carries, else its values."""
    if isinstance(text := result.get("text"), str):
        return text
    return json.dumps(result, ensure_ascii=False, indent=2)


def _result_text(record: JobRecord, result: dict[str, Any], place: Place) -> str:
    if record.kind == "fine_tuning" and result.get("dry_run"):
        return dry_run_text(record, result, place)
    if record.kind == "fine_tuning":
        return trained_text(record, result, place)
    if record.kind == "evaluation":
        return evaluated_text(record, result)
    if record.kind == "model_preparation":
        return prepared_text(record, result, place)
    if record.kind == "dataset_report":
        return rows_reported_text(record, result, place)
    return diagnosed_text(record, result, place) if "text" in result else plain(result)
