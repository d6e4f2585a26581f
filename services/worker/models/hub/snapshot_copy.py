"""Copies a hub model's snapshot from one Hugging Face cache into another; the first is only read.

A snapshot is links into its repository's blobs, which may be links into blobs that all models share; or
plain files where the filesystem has no links, as on Windows.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from services.worker.failures import FailureCode, JobFailed
from services.worker.machine.disk_full import is_disk_full
from services.worker.models.files.artifact import only_one_builder
from services.worker.models.files.model_folder import (
    CONFIG_PATTERNS,
    PICKLE_PATTERNS,
    SAFETENSORS_PATTERNS,
    matches,
)
from services.worker.models.files.weight_files import find_weights
from services.worker.models.hub.other_caches import find_snapshot, is_whole
from services.worker.models.reading.byte_progress import ByteProgress
from services.worker.running_job import RunningJob
from shared.durable import fsync_path, write_durably
from shared.messages.message import Message, say
from shared.sealed_folder import file_sha256

PIECE_BYTES = 16 * 1024**2
SPARE_BYTES = 64 * 1024**2
_SHA256 = re.compile(r"[0-9a-f]{64}")  # how blobs of large files are named; small ones have git's own hash


@dataclass(frozen=True)
class _File:
    """One file of a snapshot, and its blob's name (None: it is a plain file)."""

    path: Path
    blob: str | None

    @property
    def bytes(self) -> int:
        return self.path.stat().st_size

    @property
    def sha256(self) -> str | None:
        return self.blob if self.blob and _SHA256.fullmatch(self.blob) else None

    def place(self, draft: Path) -> Path:
        """Where its bytes go in the repository whose snapshot is being made in `draft`."""
        return draft / self.path.name if self.blob is None else draft.parent / "blobs" / self.blob


def snapshot_bytes(snapshot: Path) -> int:
    """Of the files that are copied."""
    return sum(file.bytes for file in _wanted(snapshot))


def lacking_space(snapshot: Path, cache: Path) -> Message | None:
    """Why `import_snapshot` would find too little space in `cache`; None if it would not."""
    draft = _draft(cache / snapshot.parent.parent.name, snapshot.name)
    wanted = sum(file.bytes for file in _wanted(snapshot) if not _has_size(file.place(draft), file.bytes))
    free = shutil.disk_usage(_nearest(cache)).free
    if wanted == 0 or wanted + SPARE_BYTES <= free:
        return None
    return say("copy-wants-space", cache=cache, wanted_bytes=wanted, spare_bytes=SPARE_BYTES, free_bytes=free)


def import_snapshot(snapshot: Path, name: str, cache: Path, job: RunningJob) -> Path:
    """Copy a snapshot from the cache it lies in into the cache `cache`; returns its folder there.

    Large files are compared with the hash that names them. What was copied whole is kept, so that a second
    try goes on; nothing that lies there already is deleted. The snapshot appears when it is whole, and then
    the branches and tags that name it. Of two workers that share the cache the second waits for the first,
    since they would sweep each other's drafts. Raises JobFailed: MODEL_UNREADABLE for a damaged file,
    DISK_FULL.
    """
    if lack := lacking_space(snapshot, cache):
        raise _disk_full(name, lack, cache)
    theirs, ours = snapshot.parent.parent, cache / snapshot.parent.parent.name
    files = _wanted(snapshot)
    progress = ByteProgress(job, "importing", sum(file.bytes for file in files))
    job.event(
        say(
            "copying-model",
            model=name,
            model_bytes=progress.total_bytes,
            old_cache=theirs.parent,
            new_cache=cache,
        )
    )
    try:
        return _copied(snapshot, files, ours, progress, job)
    except OSError as error:
        if not is_disk_full(error):
            raise
        lack = say(
            "copy-did-not-fit", model_bytes=progress.total_bytes, cache=cache, error=str(error.strerror)
        )
        raise _disk_full(name, lack, cache) from error


def _copied(
    snapshot: Path, files: Sequence[_File], ours: Path, progress: ByteProgress, job: RunningJob
) -> Path:
    """`files` into the repository `ours`; returns the snapshot there. Raises OSError."""
    target, draft = ours / "snapshots" / snapshot.name, _draft(ours, snapshot.name)
    # In the hub's own folder for locks: beside the models a file would be taken for a broken one.
    with only_one_builder(ours.parent / ".locks" / ours.name / "importing", job):
        for left in set(ours.glob(".importing*")) - {draft}:
            shutil.rmtree(left, ignore_errors=True)
        for folder in (target.parent, draft, ours / "blobs"):
            folder.mkdir(parents=True, exist_ok=True)
        for left in (ours / "blobs").glob(".*.importing"):
            left.unlink(missing_ok=True)
        for file in files:
            _import_file(file, draft, progress)
        _put_in_place(draft, target)
        _copy_references(snapshot.parent.parent, ours, snapshot.name)
    return target


def _draft(repository: Path, commit: str) -> Path:
    """The snapshot that is not whole yet."""
    return repository / f".importing-{commit}"


def _wanted(snapshot: Path) -> list[_File]:
    weights = find_weights(snapshot)
    patterns = CONFIG_PATTERNS + (SAFETENSORS_PATTERNS if weights.form == "safetensors" else PICKLE_PATTERNS)
    paths = [path for path in snapshot.iterdir() if matches(path.name, patterns) and path.is_file()]
    return [_File(path, _blob_of(path)) for path in sorted(paths)]


def _blob_of(file: Path) -> str | None:
    if not file.is_symlink():
        return None
    target = Path(os.path.normpath(file.parent / file.readlink()))
    return target.name if target.parent.name == "blobs" else None


def _import_file(file: _File, draft: Path, progress: ByteProgress) -> None:
    """Into our blobs under the same name and linked, or as it is where the other cache has no blobs."""
    target = file.place(draft)
    if _is_copied(file, target, progress):
        progress.add(file.bytes)
    else:
        _copy(file, target, progress)
    if file.blob is not None:
        link = draft / file.path.name
        link.unlink(missing_ok=True)
        link.symlink_to(f"../../blobs/{file.blob}")  # as seen from the snapshot's folder, which this becomes


def _is_copied(file: _File, target: Path, progress: ByteProgress) -> bool:
    """By an earlier try, or downloaded by whomever: then nobody has seen yet that it is whole."""
    if not _has_size(target, file.bytes):
        return False
    return file.sha256 is None or file_sha256(target, lambda _: progress.add(0)) == file.sha256


def _copy(file: _File, target: Path, progress: ByteProgress) -> None:
    draft = target.with_name(f".{target.name}.importing")
    digest = hashlib.sha256()
    try:
        with file.path.open("rb", buffering=0) as reader, draft.open("wb") as writer:
            while piece := reader.read(PIECE_BYTES):
                writer.write(piece)
                digest.update(piece)
                progress.add(len(piece))
            writer.flush()
            os.fsync(writer.fileno())
        if file.sha256 is not None and digest.hexdigest() != file.sha256:
            raise JobFailed(
                FailureCode.MODEL_UNREADABLE,
                say("cached-file-damaged", file=file.path, sha256=file.sha256),
                say("delete-damaged-file", file=file.path.resolve()),
            )
        status = file.path.stat()
        os.utime(draft, ns=(status.st_atime_ns, status.st_mtime_ns))  # what was made of it stays current
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def _put_in_place(draft: Path, target: Path) -> None:
    """Make `draft` the snapshot `target`, or fill up what a broken-off download left there."""
    fsync_path(draft.parent / "blobs")
    fsync_path(draft)
    if target.exists():
        for file in sorted(draft.iterdir(), key=_weights_then_config_last):
            file.replace(target / file.name)
        draft.rmdir()
        fsync_path(target)
    else:
        draft.replace(target)
    fsync_path(target.parent)
    fsync_path(draft.parent)


def _weights_then_config_last(path: Path) -> tuple[bool, bool]:
    """Before these a snapshot does not count as whole, so that nobody takes a part for it."""
    return path.name == "config.json", matches(path.name, SAFETENSORS_PATTERNS + PICKLE_PATTERNS)


def _copy_references(theirs: Path, ours: Path, commit: str) -> None:
    """The branches and tags of this commit, but for those by which our cache has another whole snapshot."""
    for reference in sorted((theirs / "refs").rglob("[!.]*")):
        if not reference.is_file() or reference.read_text(errors="replace").strip() != commit:
            continue
        name = reference.relative_to(theirs / "refs")
        present = find_snapshot(ours, str(name))
        if present is None or not is_whole(present):
            (ours / "refs" / name).parent.mkdir(parents=True, exist_ok=True)
            write_durably(ours / "refs" / name, commit.encode())


def _has_size(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size


def _nearest(folder: Path) -> Path:
    return next(path for path in (folder, *folder.parents) if path.exists())


def _disk_full(name: str, lack: Message, cache: Path) -> JobFailed:
    return JobFailed(
        FailureCode.DISK_FULL,
        say("no-room-to-copy", model=name, lack=lack),
        say("free-cache", cache=cache),
    )
