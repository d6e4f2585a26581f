"""The mark in a job's folder that the store has taken the job, with what a lost record is rebuilt from.

A spec is written before the store is asked, so a spec alone proves nothing: the job may have been refused.
The mark is written after the store took it; where a death came between, the sweep writes it.
"""

import json
from contextlib import suppress

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.durable import write_durably
from shared.job_folder import JobFolder
from shared.small_files import read_small

OWNER = "local"  # one owner until keys have scopes; not the key itself, which may be replaced


class Acceptance(BaseModel):
    """What the store knew when it took the job; all unknown in the empty mark of an earlier version."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    number: int | None = Field(None, ge=1, lt=10**15)
    created_at: float | None = Field(None, ge=0, lt=10**11)  # UTC seconds
    owner: str = OWNER
    idempotency_key: str | None = None
    fingerprint: str | None = None


def mark_accepted(folder: JobFolder, acceptance: Acceptance) -> None:
    """Durably: a power cut may take the last second of a store that waits for its disk less than ours does.

    Without the mark the job would be swept as one that was never taken. A folder that has gone gets none.
    """
    with suppress(OSError):
        write_durably(folder.accepted, acceptance.model_dump_json().encode())


def acceptance_of(folder: JobFolder) -> Acceptance | None:
    """None where there is no mark. Raises OSError."""
    try:
        return Acceptance.model_validate(json.loads(read_small(folder.accepted)))
    except FileNotFoundError:
        return None
    except (ValueError, ValidationError):
        return Acceptance()
