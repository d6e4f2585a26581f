"""Moves a model's cache to another storage: copy, verify, then use it from there (back: `untried_move`).

Nothing is deleted. The cache's earlier folders stay readable: other models are taken over from there when a
job wants them (`hub_cache.locate_model`).
"""

import os
import time
from pathlib import Path

from services.worker.failures import FailureCode, JobFailed
from services.worker.models.files.model_folder import refuse_outside_links
from services.worker.models.files.weight_files import find_weights
from services.worker.models.hub.cache_folder import OWN_FOLDER, apply_cache_folder
from services.worker.models.hub.model_places import ModelFiles
from services.worker.models.hub.snapshot_copy import import_snapshot, snapshot_bytes
from services.worker.models.hub.untried_move import present_choice
from services.worker.running_job import RunningJob
from shared.cache_choice import CacheChoice, ChoiceBefore, cache_on, write_choice
from shared.messages.message import Message, say
from shared.schemas.frozen import Frozen
from shared.settings import OWN_CACHE, Settings


class MovedCache(Frozen):
    """What a move did. `bytes` are those of the model.

    `old_folder` is the cache that the model was copied from; where it was in the new one already, that which
    was in use before. `copied_from` is its snapshot there, None where nothing was copied. `switched`: until
    it has proved itself, the move can be taken back; else the cache was in `new_folder` before.
    """

    old_folder: str
    new_folder: str
    bytes: int
    seconds: float
    copied_from: str | None
    switched: bool


def move_model_cache(
    files: ModelFiles, storage: str, settings: Settings, job: RunningJob, *, job_id: str | None = None
) -> MovedCache:
    """Copy the model in `files` into the cache on `storage` and make that the cache, from now on.

    A second call goes on where an earlier one was interrupted. Until `keep_move`, `roll_back` undoes it, and
    so does the next job that is not `job_id`.
    Raises JobFailed: CACHE_NOT_MOVED, DISK_FULL, MODEL_UNREADABLE for a damaged file; then all is as before.
    """
    started = time.monotonic()
    refuse_what_can_not_move(files, settings)
    folder = _made_folder(storage, settings)
    source, entry = _cache_of(files), folder / files.folder.parent.parent.name
    copies, is_new = not files.folder.resolve().is_relative_to(folder.resolve()), not entry.exists()
    if copies:
        refuse_outside_links(files.folder)
        try:
            import_snapshot(files.folder, files.name, folder, job)
        except OSError as error:
            raise _not_moved(
                say("copying-failed", source=files.folder, target=folder, error=str(error)),
                say("check-target-writable"),
            ) from error
    choice = _switch(
        storage,
        folder,
        settings,
        job=job_id,
        made_entry=str(entry) if copies and is_new else None,
        copied_from=str(files.folder) if copies else None,
    )
    moved = MovedCache(
        old_folder=str(source) if copies else (choice.before or choice).folder,
        new_folder=str(folder),
        bytes=snapshot_bytes(files.folder),
        seconds=time.monotonic() - started,
        copied_from=str(files.folder) if copies else None,
        switched=choice.before is not None,
    )
    job.event(
        say("cache-moved", model=files.name, storage=storage, folder=moved.new_folder),
        data={"code": "cache_moved", **moved.model_dump()},
    )
    return moved


def tell_old_copy(moved: MovedCache, job: RunningJob) -> None:
    """Name the copy that is left, once the new one proved itself: the model's own folder, never the cache.

    To delete it is advised only where nothing goes with it: other revisions, and files that no load opens,
    are not copied.
    """
    if moved.copied_from is None:
        return
    old_snapshot = Path(moved.copied_from)
    old = old_snapshot.parent.parent
    new_snapshot = Path(moved.new_folder, old.name, "snapshots", old_snapshot.name)
    is_spare = _files_of(old / "snapshots") <= _files_of(new_snapshot.parent)
    old_bytes = _size(old)
    job.event(
        say("old-copy-spare", folder=old, old_bytes=old_bytes)
        if is_spare
        else say("old-copy-holds-more", folder=old, old_bytes=old_bytes),
        data={"code": "old_copy", "folder": str(old), "bytes": old_bytes},
    )


def refuse_what_can_not_move(files: ModelFiles, settings: Settings) -> None:
    """Raise JobFailed(CACHE_NOT_MOVED) for a model that is not loaded from the cache."""
    if files.source == "folder":
        raise _not_moved(
            say("model-is-folder", model=files.name, folder=files.folder),
            say("move-folder-yourself"),
        )
    if files.source == "prepared" or find_weights(files.folder).form == "bin":
        raise _not_moved(
            say("model-is-copy", model=files.name, folder=settings.data_dir / "models"),
            say("move-data-folder"),
        )


def _made_folder(storage: str, settings: Settings) -> Path:
    """The cache folder on a storage that is there; a storage itself is never made: it may not be mounted."""
    folder = OWN_FOLDER if storage == OWN_CACHE else cache_on(storage, settings)
    if folder is None:
        raise _not_moved(
            say("storage-unknown", storage=storage, storages=[*sorted(settings.storages), OWN_CACHE]),
            say("name-storage"),
        )
    if storage != OWN_CACHE and not folder.parent.is_dir():
        raise _not_moved(
            say("storage-has-no-folder", storage=storage, folder=folder.parent),
            say("mount-storage"),
        )
    try:
        folder.mkdir(parents=storage == OWN_CACHE, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(f"user {os.geteuid()} may not write into it")
    except OSError as error:
        raise _not_moved(
            say("cache-folder-unusable", folder=folder, storage=storage, error=str(error)),
            say("give-folder-to-worker", user=str(os.geteuid()), folder=folder.parent),
        ) from error
    return folder


def _switch(storage: str, folder: Path, settings: Settings, **move: str | None) -> CacheChoice:
    """The one moment at which the cache changes its place; what stood there before is kept for a way back.

    `move` says what a way back has to know (`ChoiceBefore`).
    """
    now = present_choice(settings)
    if (now.storage, now.folder) == (storage, str(folder)):
        choice = now  # another model follows, or the same call again: what was before stays what it was
    else:
        earlier = [name for name in dict.fromkeys((now.folder, *now.earlier)) if name != str(folder)]
        before = ChoiceBefore.model_validate({**now.model_dump(exclude={"before"}), **move})
        choice = CacheChoice(storage=storage, folder=str(folder), earlier=tuple(earlier), before=before)
        write_choice(settings, choice)
    apply_cache_folder(settings)
    return choice


def _cache_of(files: ModelFiles) -> Path:
    """The cache that a snapshot lies in."""
    return files.folder.parent.parent.parent


def _files_of(snapshots: Path) -> set[Path]:
    return {path.relative_to(snapshots) for path in snapshots.rglob("*") if path.is_file()}


def _size(repository: Path) -> int:
    """Of a model's files in a cache, each once; of blobs that models share too."""
    files = {path.resolve() for path in repository.rglob("*") if path.is_file()}
    return sum(path.stat().st_size for path in files)


def _not_moved(message: Message, remedy: Message) -> JobFailed:
    return JobFailed(FailureCode.CACHE_NOT_MOVED, message, remedy)
