"""The whole state machine of a job: its statuses, which may follow which, and its names."""

import secrets
from typing import get_args

from shared.schemas.fields import JobKind, JobStatus

KINDS: tuple[JobKind, ...] = get_args(JobKind)
STATUSES: tuple[JobStatus, ...] = get_args(JobStatus)

# A terminal status never changes. `running → queued` is a new attempt after a crash or a drained worker;
# `pausing → succeeded` and `cancelling → succeeded` happen when the result was already published as the order
# arrived.
TRANSITIONS: dict[JobStatus, tuple[JobStatus, ...]] = {
    "queued": ("running", "paused", "cancelled"),
    "running": ("succeeded", "failed", "cancelling", "pausing", "queued"),
    "pausing": ("paused", "succeeded", "failed", "cancelling", "running"),
    "paused": ("queued", "cancelled"),
    "cancelling": ("cancelled", "succeeded"),
    "succeeded": (),
    "failed": (),
    "cancelled": (),
}
TERMINAL: tuple[JobStatus, ...] = tuple(status for status, following in TRANSITIONS.items() if not following)

_ID_PREFIX: dict[JobKind, str] = {
    "fine_tuning": "ftjob",
    "load_diagnostic": "diagjob",
    "training_diagnostic": "explainjob",
    "evaluation": "evaljob",
    "model_preparation": "prepjob",
    "dataset_report": "datajob",
}
_ID_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # no l, o, 0, 1: ids are read aloud
_ID_LENGTH = 24


def new_job_id(kind: JobKind) -> str:
    """A fresh id, 120 random bits: `ftjob-…` for fine-tuning, as OpenAI's clients expect."""
    return f"{_ID_PREFIX[kind]}-{''.join(secrets.choice(_ID_ALPHABET) for _ in range(_ID_LENGTH))}"


def is_whole_job_id(text: str) -> bool:
    """Whether `text` has the shape of a whole id, and is not the beginning of one."""
    return kind_of_id(text) is not None


def kind_of_id(text: str) -> JobKind | None:
    """The kind that a whole id tells; None for anything else."""
    prefix, _, rest = text.partition("-")
    kinds = {prefix: kind for kind, prefix in _ID_PREFIX.items()}
    return kinds.get(prefix) if len(rest) == _ID_LENGTH else None
