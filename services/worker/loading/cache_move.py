"""Moves a model's cache to another storage: copy, verify, then use it from there; back if that was no good.

Nothing is deleted. The cache's earlier folders stay readable: other models are taken over from there when a
job wants them (`hub_cache.locate_model`).
"""

import os
import time
from pathlib import Path

from services.worker.failures import FailureCode, JobFailed
from services.worker.loading.cache_folder import OWN_FOLDER, apply_cache_folder
from services.worker.loading.hub_cache import ModelFiles
from services.worker.loading.model_folder import refuse_outside_links
from services.worker.loading.snapshot_copy import import_snapshot, snapshot_bytes
from services.worker.loading.weight_files import find_weights
from services.worker.report import Report
from shared.cache_choice import CacheChoice, cache_on, read_choice, storage_names, write_choice
from shared.schemas import Frozen
from shared.settings import OWN_CACHE, Settings


class MovedCache(Frozen):
    """What a move did. `bytes` are those of the model; `old_folder` is where the cache was before."""

    old_folder: str
    new_folder: str
    bytes: int
    seconds: float


def move_model_cache(files: ModelFiles, storage: str, settings: Settings, report: Report) -> MovedCache:
    """Copy the model in `files` into the cache on `storage` and make that the cache, from now on.

    A second call goes on where an earlier one was interrupted. Until `keep_move`, `roll_back` undoes it.
    Raises JobFailed: CACHE_NOT_MOVED, DISK_FULL, MODEL_UNREADABLE for a damaged file; then all is as before.
    """
    started = time.monotonic()
    refuse_what_can_not_move(files, settings)
    folder = _made_folder(storage, settings)
    if not files.folder.resolve().is_relative_to(folder.resolve()):
        refuse_outside_links(files.folder)
        try:
            import_snapshot(files.folder, files.name, folder, report)
        except OSError as error:
            raise _not_moved(
                f"copying {files.folder} to {folder} failed: {error}",
                "see that the worker may write there and that the filesystem can hold symbolic links",
            ) from error
    choice = _switch(storage, folder, settings)
    moved = MovedCache(
        old_folder=(choice.before or choice).folder,
        new_folder=str(folder),
        bytes=snapshot_bytes(files.folder),
        seconds=time.monotonic() - started,
    )
    _tell(files, moved, storage, report)
    return moved


def keep_move(settings: Settings) -> None:
    """Say that the cache's new place has proved itself: `roll_back` leaves it alone from now on."""
    choice = _present_choice(settings)
    if choice.before is not None:
        write_choice(settings, choice.model_copy(update={"before": None}))


def roll_back(settings: Settings, report: Report) -> Path:
    """Put the cache back where it was before a move that was not kept; returns its folder now.

    What was copied stays on the storage.
    """
    choice = _present_choice(settings)
    if choice.before is not None:
        write_choice(settings, choice.before)
        report.event(
            f"The cache is back in {choice.before.folder}; the copy in {choice.folder} can be deleted",
            data={"code": "cache_rolled_back", "folder": choice.before.folder},
        )
    return apply_cache_folder(settings).folder


def refuse_what_can_not_move(files: ModelFiles, settings: Settings) -> None:
    """Raise JobFailed(CACHE_NOT_MOVED) for a model that is not loaded from the cache."""
    if files.source == "folder":
        raise _not_moved(
            f"{files.name!r} is a folder of its own, {files.folder}, and not in the cache",
            "move that folder to the other storage, and name its parent in TUNEDOCK_MODELS_DIR",
        )
    if files.source == "prepared" or find_weights(files.folder).form == "bin":
        raise _not_moved(
            f"{files.name!r} is loaded from a copy in {settings.data_dir / 'models'}, not from the cache",
            "move the data folder to the other storage (TUNEDOCK_DATA_DIR), or name a model of the hub that "
            "has safetensors",
        )


def _made_folder(storage: str, settings: Settings) -> Path:
    """The cache folder on a storage that is there; a storage itself is never made: it may not be mounted."""
    folder = OWN_FOLDER if storage == OWN_CACHE else cache_on(storage, settings)
    if folder is None:
        raise _not_moved(
            f"there is no storage {storage!r}; there are {storage_names(settings)}",
            "name one of these, or add it to TUNEDOCK_STORAGES as name=path",
        )
    if storage != OWN_CACHE and not folder.parent.is_dir():
        raise _not_moved(
            f"storage {storage!r} has no folder {folder.parent} here",
            "mount it (in containers: into the worker's), or correct TUNEDOCK_STORAGES",
        )
    try:
        folder.mkdir(parents=storage == OWN_CACHE, exist_ok=True)
        if not os.access(folder, os.W_OK | os.X_OK):
            raise PermissionError(f"user {os.geteuid()} may not write into it")
    except OSError as error:
        raise _not_moved(
            f"the cache folder {folder} on storage {storage!r} can't be used: {error}",
            f"give it to the worker's user: sudo chown -R {os.geteuid()} {folder.parent}",
        ) from error
    return folder


def _switch(storage: str, folder: Path, settings: Settings) -> CacheChoice:
    """The one moment at which the cache changes its place; what stood there before is kept for a way back."""
    now = _present_choice(settings)
    if (now.storage, now.folder) == (storage, str(folder)):
        choice = now  # another model follows, or the same call again: what was before stays what it was
    else:
        earlier = [name for name in dict.fromkeys((now.folder, *now.earlier)) if name != str(folder)]
        before = now.model_copy(update={"before": None})
        choice = CacheChoice(storage=storage, folder=str(folder), earlier=tuple(earlier), before=before)
        write_choice(settings, choice)
    apply_cache_folder(settings)
    return choice


def _present_choice(settings: Settings) -> CacheChoice:
    try:
        choice = read_choice(settings)
    except (OSError, ValueError):  # told already, when the cache's folder was looked up
        choice = None
    return choice or CacheChoice(storage=OWN_CACHE, folder=str(OWN_FOLDER))


def _tell(files: ModelFiles, moved: MovedCache, storage: str, report: Report) -> None:
    report.event(
        f"{files.name} is cached on storage {storage!r} now, in {moved.new_folder}",
        data={"code": "cache_moved", **moved.model_dump()},
    )
    old = Path(moved.old_folder) / files.folder.parent.parent.name
    if moved.old_folder != moved.new_folder and (old_bytes := _size(old)):
        report.event(
            f"The old copy stays in {old} and takes {old_bytes / 1e9:.2f} GB; delete that folder once the "
            "model loads well from its new place",
            data={"code": "old_copy", "folder": str(old), "bytes": old_bytes},
        )


def _size(repository: Path) -> int:
    """Of a model's files in a cache, each once; of blobs that models share too."""
    files = {path.resolve() for path in repository.rglob("*") if path.is_file()}
    return sum(path.stat().st_size for path in files)


def _not_moved(message: str, remedy: str) -> JobFailed:
    return JobFailed(FailureCode.CACHE_NOT_MOVED, message, remedy)
