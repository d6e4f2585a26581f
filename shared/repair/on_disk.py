"""What a job's folder says of its job, read without trusting any of it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from shared.acceptance import Acceptance, acceptance_of
from shared.ended_copy import EndedCopy, ended_copy
from shared.job_folder import ATTEMPTS, JOB_MARK, MODEL_MARK, JobFolder, jobs_folder
from shared.jobs import kind_of_id
from shared.journal import journal_events
from shared.repair_store import RepairStore
from shared.schemas.fields import JobKind
from shared.small_files import read_small

_ATTEMPT = re.compile(r"[1-9][0-9]{0,8}")


@dataclass(frozen=True)
class JobOnDisk:
    """`spec` is None where it is gone or damaged, `ended` where the job did not end or its copy is damaged.

    `attempts`: the highest number of an attempt that wrote here. `unread`: what could not be read, and why.
    """

    folder: JobFolder
    kind: JobKind
    spec: Mapping[str, Any] | None
    spec_is_there: bool
    ended: EndedCopy | None
    copy_is_damaged: bool
    acceptance: Acceptance | None
    attempts: int
    is_going: bool  # somebody deletes it
    model_is_deleted: bool
    touched_at: float
    unread: tuple[str, ...] = field(default=())

    @property
    def id(self) -> str:
        return self.folder.path.name

    @property
    def was_accepted(self) -> bool:
        """Whether the disk proves that the store took the job: see `shared.acceptance`. Or it was begun."""
        return self.acceptance is not None or self.attempts > 0 or self.ended is not None

    @property
    def request(self) -> dict[str, Any] | None:
        return None if self.spec is None else cast("dict[str, Any]", self.spec["request"])

    @property
    def missing_rows(self) -> list[str]:
        """Parts of its data set that the spec names and whose rows are gone."""
        parts = (self.spec or {}).get("datasets") or {}
        return [part for part in parts if not self.folder.rows_of(part).is_file()]


def jobs_on_disk(jobs: Path) -> dict[str, JobOnDisk]:
    """Every folder with a job's name, by id."""
    found = {}
    for path in sorted(jobs.glob("*/")):
        if kind := kind_of_id(path.name):
            found[path.name] = read_job(JobFolder(path), kind)
    return found


def unknown_jobs(store: RepairStore, data_dir: Path) -> list[str]:
    """Jobs whose folder proves that the store had taken them, and that it does not know. Few files are read.

    Raises StoreUnavailable.
    """
    folders = [JobFolder(path) for path in jobs_folder(data_dir).glob("*/") if kind_of_id(path.name)]
    taken = [
        folder.path.name
        for folder in folders
        if (folder.accepted.exists() or folder.was_attempted) and not folder.mark(JOB_MARK).exists()
    ]
    known = store.ids_of("job")  # after the disk: what was taken before it was read, a whole store has
    return [job_id for job_id in taken if job_id not in known]


def read_job(folder: JobFolder, kind: JobKind) -> JobOnDisk:
    unread: list[str] = []
    spec = _spec(folder, kind, unread)
    ended, copy_is_damaged = None, False
    try:
        ended = ended_copy(folder)
    except ValueError:
        copy_is_damaged = True
    except OSError as error:
        unread.append(f"{folder.result}: {error.strerror}")
    try:
        acceptance = acceptance_of(folder)
    except OSError as error:
        acceptance = Acceptance()
        unread.append(f"{folder.accepted}: {error.strerror}")
    return JobOnDisk(
        folder=folder,
        kind=kind,
        spec=spec,
        spec_is_there=folder.spec.exists(),
        ended=ended,
        copy_is_damaged=copy_is_damaged,
        acceptance=acceptance,
        attempts=max(attempt_numbers(folder), default=0),
        is_going=folder.mark(JOB_MARK).exists(),
        model_is_deleted=folder.mark(MODEL_MARK).exists(),
        touched_at=_changed_at(folder),
        unread=tuple(unread),
    )


def journal_runs(disk: JobOnDisk) -> tuple[str, int, dict[int, int]]:
    """The runs of a new record's events, their number, and the last number in each attempt's journal.

    As `record_events.lua` writes them: `<attempt>-<count>:<source>:<own number>:<length>`.
    """
    runs, count, last = list[str](), 0, dict[int, int]()
    for attempt in attempt_numbers(disk.folder):
        first = length = 0
        for event in journal_events(disk.folder.attempt(attempt).journal):
            if length and event.number != first + length:  # lines are missing in between
                runs.append(f"{attempt}-{count + 1}:{attempt}:{first}:{length}")
                count, length = count + length, 0
            first, length = (first, length + 1) if length else (event.number, 1)
            last[attempt] = event.number
        if length:
            runs.append(f"{attempt}-{count + 1}:{attempt}:{first}:{length}")
            count += length
    return " ".join(runs), count, last


def _spec(folder: JobFolder, kind: JobKind, unread: list[str]) -> Mapping[str, Any] | None:
    try:
        spec = json.loads(read_small(folder.spec))
    except FileNotFoundError:
        return None
    except OSError as error:
        unread.append(f"{folder.spec}: {error.strerror}")
        return None
    except (ValueError, RecursionError):
        return None
    if not isinstance(spec, dict) or spec.get("id") != folder.path.name or spec.get("kind") != kind:
        return None
    return spec if is_request(spec.get("request"), kind) else None


def is_request(request: object, kind: JobKind) -> bool:
    """Whether it may be a request of that kind; an earlier version may have had other fields."""
    return isinstance(request, dict) and request.get("kind") == kind


def attempt_numbers(folder: JobFolder) -> list[int]:
    """Of the attempts that wrote here, in order; a folder of another name is none."""
    found = (_ATTEMPT.fullmatch(path.name) for path in folder.path.glob(f"{ATTEMPTS}/*"))
    return sorted(int(match[0]) for match in found if match)


def _changed_at(folder: JobFolder) -> float:
    """When the job was made, as far as files tell: its spec is written once."""
    for path in (folder.spec, folder.accepted, folder.path):
        try:
            return path.stat().st_mtime
        except OSError:
            continue
    return 0.0
