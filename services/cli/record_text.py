"""A job's record as text for people."""

import json
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from services.cli.dates import clock
from services.cli.outcome.lines import Said, pairs
from services.cli.outcome.outcome import Place, Words, outcome_text
from services.cli.watch import begun_before, duration_text, progress_text, stage_text
from shared.jobs import TERMINAL
from shared.messages.message import say
from shared.messages.render import shown
from shared.reports.fine_tuning import Training
from shared.reports.stored import read_stored
from shared.schemas.records import JobRecord
from shared.schemas.requests import JobRequest

_REQUESTS: tuple[type[BaseModel], ...] = get_args(get_args(JobRequest)[0])
_FIELDS = {str(one.model_fields["kind"].default): one.model_fields for one in _REQUESTS}
JOB_COLUMNS = ("id", "kind", "status", "created", "model", "progress")
# The last goes first from a narrow terminal.
KEPT_COLUMNS = ("status", "progress", "kind", "created", "model")


def job_row(record: JobRecord, *, words: Words = str) -> tuple[str, ...]:
    """The cells of `JOB_COLUMNS`."""
    if record.status in TERMINAL:
        progress = words(record.error.message) if record.error else _reached(record)
    else:
        numbers = progress_text(record)
        progress = f"{stage_text(record)}: {numbers}" if numbers else stage_text(record)
    model = str(record.request.get("adapter") or record.request.get("model") or "")
    return (record.id, record.kind, record.status, clock(record.created_at), model, progress)


def record_text(record: JobRecord, place: Place, *, words: Words = str) -> str:
    """The whole record: its life, what was asked, and what it came to."""
    rows: list[tuple[Said, Said]] = [
        (say("kind-label"), record.kind),
        (say("status-label"), record.status),
        (say("created-label"), clock(record.created_at)),
        (say("finished-label"), _finished(record)),
        (say("attempt-label"), _attempt(record)),
    ]
    if record.status not in TERMINAL:
        now = ": ".join(part for part in (stage_text(record), progress_text(record)) if part)
        rows.append((say("now-label"), now))
    asked = [(words(name).lstrip("-"), text) for name, text in _flat(_decisive(record.request))]
    lines = [record.id, *pairs(rows), "", shown(say("asked-label")), *pairs(asked)]
    if record.error or record.result is not None:
        lines += ["", outcome_text(record, place, words=words)]
    return "\n".join(lines)


def _decisive(request: dict[str, Any]) -> dict[str, Any]:
    """What was asked, without the kind, without what nobody asked for (no dry run, priority 0), and without
    the epochs where the steps decide alone.
    """
    fields = _FIELDS.get(str(request.get("kind")), {})
    asked = {
        name: value
        for name, value in request.items()
        if name != "kind" and not (name in fields and not value and value == fields[name].default)
    }
    learned = asked.get("hyperparameters") or {}
    if learned.get("max_steps"):
        asked["hyperparameters"] = {name: value for name, value in learned.items() if name != "n_epochs"}
    return asked


def _flat(request: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """(field, value) of all that was asked, as `lora.r`; fields without a value are left out."""
    for name, value in request.items():
        if isinstance(value, dict):
            yield from _flat(value, "" if name == "hyperparameters" else f"{prefix}{name}.")
        elif value not in (None, []):
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            yield f"{prefix}{name}", text


def _reached(record: JobRecord) -> str:
    """How long it took, and the number that matters most of what it came to."""
    result = record.result or {}
    loss = _train_loss(result) if record.kind == "fine_tuning" else result.get("loss")
    told = [say("dry-run-reached-label")] if result.get("dry_run") else []
    if isinstance(accuracy := result.get("accuracy"), int | float):
        told.append(say("accuracy-reached-label", accuracy=f"{accuracy:.1%}"))
    if isinstance(loss, int | float):
        told.append(say("loss-reached-label", loss=f"{loss:.4f}"))
    return ", ".join(part for part in (_took(record), *map(shown, told[:1])) if part)


def _train_loss(result: dict[str, Any]) -> float | None:
    """None also where a result of another release can't be read: the list of jobs shows it all the same."""
    try:
        return read_stored(Training, result).train_loss
    except ValidationError:
        return None


def _attempt(record: JobRecord) -> Said:
    """Its number, and why there were earlier ones."""
    number, before = str(record.attempt), begun_before(record)
    return (
        say("begun-before-row", now=number, before=before) if before else number if record.attempt > 1 else ""
    )


def _finished(record: JobRecord) -> Said:
    if not record.finished_at:
        return ""
    return say("finished-after-label", clock=clock(record.finished_at), time=_took(record))


def _took(record: JobRecord) -> str:
    if record.finished_at is None or record.started_at is None:
        return ""
    return duration_text(record.finished_at - record.started_at)
