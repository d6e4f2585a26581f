"""A copy of how a job's record ended, in the job's folder: what remains where the store is lost."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from shared.durable import write_json_durably
from shared.job_folder import JobFolder
from shared.schemas.fields import JobStatus
from shared.small_files import read_small


class EndedCopy(BaseModel):
    """`result` and `error` as the record stores them; `at` in UTC seconds."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str
    status: JobStatus
    attempt: int
    at: float
    result: dict[str, Any] | None = None
    error: dict[str, Any] | None = None


def keep_ended_copy(folder: JobFolder, copy: EndedCopy) -> None:
    """Raises OSError."""
    fields = copy.model_dump(mode="json")
    write_json_durably(folder.result, {name: value for name, value in fields.items() if value is not None})


def ended_copy(folder: JobFolder) -> EndedCopy | None:
    """None where there is none. Raises OSError, and ValueError for one that can't be read."""
    try:
        text = read_small(folder.result)
    except FileNotFoundError:
        return None
    try:
        copy = EndedCopy.model_validate(json.loads(text))
    except (ValidationError, RecursionError) as error:
        raise ValueError(str(error)) from error
    if copy.id != folder.path.name or copy.status not in ("succeeded", "failed", "cancelled"):
        raise ValueError(f"it tells of {copy.id}, which is {copy.status}")
    return copy


def copy_of(job_id: str, fields: Mapping[str, str]) -> EndedCopy:
    """How a record ended, from its fields as the store has them; what of them can't be read is left out."""
    documents = {
        name: found for name in ("result", "error") if (found := document(fields.get(name))) is not None
    }
    ended_at = fields.get("finished_at", "")
    return EndedCopy.model_validate(
        {
            "id": job_id,
            "status": fields["status"],
            "attempt": int(fields["attempt"]),
            "at": int(ended_at if ended_at.isdecimal() else fields["queued_at"]) / 1000,
            **documents,
        }
    )


def document(text: str | None) -> dict[str, Any] | None:
    """A field's JSON object; None where it is none. Half surrogates stand for bytes that were no text."""
    try:
        found = json.loads((text or "").encode())
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
