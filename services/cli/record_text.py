"""A job's record as text for people."""

import json
import time
from typing import Any

from services.cli.watch import ENDED, duration_text, progress_text, stage_text
from shared.schemas import JobRecord

JOB_COLUMNS = ("ID", "KIND", "STATUS", "CREATED", "MODEL", "PROGRESS")
KEPT_COLUMNS = (
    "STATUS",
    "PROGRESS",
    "KIND",
    "CREATED",
    "MODEL",
)  # the last goes first from a narrow terminal


def job_row(record: JobRecord) -> tuple[str, ...]:
    """The cells of `JOB_COLUMNS`."""
    if record.status in ENDED:
        progress = record.error.message if record.error else _took(record)
    else:
        numbers = progress_text(record)
        progress = f"{stage_text(record)}: {numbers}" if numbers else stage_text(record)
    model = str(record.request.get("adapter") or record.request.get("model") or "")
    return (record.id, record.kind, record.status, _clock(record.created_at), model, progress)


def record_text(record: JobRecord) -> str:
    """The whole record, the error with its remedy, the result with the report's own text first."""
    lines = [f"{record.id}  {record.kind}  {record.status}"]
    lines += [f"  created  {_clock(record.created_at)}"]
    if record.finished_at:
        lines += [f"  finished {_clock(record.finished_at)}, after {_took(record)}"]
    if record.attempt > 1:
        lines += [f"  attempt  {record.attempt}"]
    if record.status not in ENDED:
        lines += [f"  now      {' '.join((stage_text(record), progress_text(record))).strip()}"]
    if record.error:
        lines += [
            f"  error    {record.error.code}: {record.error.message}",
            f"  remedy   {record.error.remedy}",
        ]
    lines += ["  request  " + json.dumps(_without_empty(record.request), ensure_ascii=False)]
    if record.result is not None:
        lines += ["", result_text(record.result)]
    return "\n".join(lines)


def result_text(result: dict[str, Any]) -> str:
    """The report a result carries as text, else its plain values."""
    if isinstance(text := result.get("text"), str):
        return text
    return json.dumps(result, ensure_ascii=False, indent=2)


def _without_empty(request: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in request.items() if value not in (None, {}, [])}


def _took(record: JobRecord) -> str:
    if record.finished_at is None or record.started_at is None:
        return ""
    return duration_text(record.finished_at - record.started_at)


def _clock(seconds: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))
