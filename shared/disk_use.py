"""What the data folder's bytes on disk are for: by kind, and by job."""

import math
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from shared.job_folder import (
    ADAPTERS,
    ATTEMPTS,
    CHECKPOINTS,
    DAMAGED_ADAPTER,
    JOBS,
    ROWS,
    START,
    TOKENS,
    JobFolder,
)
from shared.sealed_folder import MANIFEST

BLOCK_BYTES = 512  # of st_blocks, whatever the filesystem's own blocks are
DATA_KINDS = (
    "uploads", "rows", "checkpoints", "adapters", "reports", "journals", "prepared_models", "store", "other",
)  # fmt: skip
_KIND_OF_FOLDER = {"files": "uploads", "models": "prepared_models", "store": "store"}
_KIND_OF_PART = {
    ROWS: "rows",
    TOKENS: "rows",
    CHECKPOINTS: "checkpoints",
    **dict.fromkeys((*ADAPTERS, DAMAGED_ADAPTER, START), "adapters"),
    ATTEMPTS: "journals",
}


@dataclass
class DiskUse:
    """Bytes that files take on the disk, counted while the folder may change; all of them if `complete`."""

    by_kind: dict[str, int] = field(default_factory=lambda: dict.fromkeys(DATA_KINDS, 0))
    by_job: dict[str, int] = field(default_factory=dict)
    complete: bool = True


def disk_use(data_dir: Path, *, seconds: float = math.inf) -> DiskUse:
    """Walk the whole data folder, for `seconds` at most. What vanishes or can't be read counts 0.

    A file with several names, as a job that uses another's adapter gives it, counts once.
    """
    use, deadline = DiskUse(), time.monotonic() + seconds
    linked: set[tuple[int, int]] = set()
    for kind, job_id, entry in _parts(data_dir):
        if time.monotonic() > deadline:
            use.complete = False
            break
        size = _tree_bytes(entry, linked)
        use.by_kind[kind] += size
        if job_id is not None:
            use.by_job[job_id] = use.by_job.get(job_id, 0) + size
    return use


def has_weights(job_folder: JobFolder) -> bool:
    """Whether a job left something trained: an adapter, or a whole checkpoint of one."""
    sealed = ((folder / MANIFEST).exists() for folder in job_folder.all_checkpoints())
    return job_folder.adapter.is_dir() or any(sealed)


def _tree_bytes(entry: "os.DirEntry[str]", linked: set[tuple[int, int]]) -> int:
    """Bytes on disk of a file, or of a folder with all in it; `linked`: what was counted by another name."""
    try:
        stat = entry.stat(follow_symlinks=False)
        own = stat.st_blocks * BLOCK_BYTES
        if not entry.is_dir(follow_symlinks=False):
            if stat.st_nlink == 1:
                return own
            known = (stat.st_dev, stat.st_ino) in linked
            linked.add((stat.st_dev, stat.st_ino))
            return 0 if known else own
    except OSError:
        return 0
    return own + sum(_tree_bytes(inner, linked) for inner in _entries(Path(entry.path)))


def _parts(data_dir: Path) -> Iterator[tuple[str, str | None, "os.DirEntry[str]"]]:
    """(kind, job, entry): the parts of every job's folder, and whatever else lies in the data folder."""
    for entry in _entries(data_dir):
        if entry.name != JOBS:
            yield _KIND_OF_FOLDER.get(entry.name, "other"), None, entry
            continue
        for job in _entries(Path(entry.path)):
            for part in _entries(Path(job.path)):
                yield _KIND_OF_PART.get(part.name, "reports"), job.name, part


def _entries(folder: Path) -> Iterator["os.DirEntry[str]"]:
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except OSError:
        return
