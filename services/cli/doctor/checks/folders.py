"""Repository, data, datasets and models: where they lie, and whether there is room."""

from services.cli.doctor.checks.finding import Finding, error, ok, together, unknown, warning
from services.cli.doctor.checks.place import is_windows_drive, off_the_drive, place
from services.cli.doctor.facts import Facts, Folder, FolderRole
from shared.messages.message import say

CACHE_FREE_BYTES = 10 * 10**9  # the default model is published with 9.62 GB


def check_repository(facts: Facts) -> Finding:
    folder = facts.folder("repository")
    if folder is None or folder.storage.storage_class == "layered":
        return ok("repository", say("repository-in-image"))
    if is_windows_drive(folder.storage):
        return warning(
            "repository",
            say("repository-on-windows-drive", place=place(folder)),
            say("clone-on-linux-side"),
            *off_the_drive(None),
        )
    return ok("repository", say("folder-is-at", place=place(folder)))


def check_data_folder(facts: Facts) -> Finding:
    folder = facts.folder("data")
    if folder is not None and not folder.writable:
        message = say("data-place-not-written", place=place(folder))
        return error("data-folder", message, say("give-data-folder-to-user"))
    return _check_folder(facts, "data-folder", "data")


def check_datasets_folder(facts: Facts) -> Finding:
    return _check_folder(facts, "datasets-folder", "datasets")


def check_models_folder(facts: Facts) -> Finding:
    return _check_folder(facts, "models-folder", "models")


def check_disk_space(facts: Facts) -> Finding:
    data, cache = facts.folder("data"), facts.folder("model-cache")
    free = None if data is None else data.storage.free_bytes
    if free is None:
        return unknown("disk-space", say("free-space-unknown"))
    if free < facts.min_free_bytes:
        message = say("free-space-too-little", free_bytes=free, limit_bytes=facts.min_free_bytes)
        return error("disk-space", message, say("make-room-row"))
    cache_free = cache.storage.free_bytes if cache and not facts.caches_unseen else None
    if cache_free is None:
        return ok("disk-space", say("free-space", free_bytes=free))
    seen = say("free-space-of-both", free_bytes=free, cache_bytes=cache_free)
    if cache_free < CACHE_FREE_BYTES and not facts.cache.holds_default_model:
        need = say("model-may-not-fit", model=facts.default_model, model_bytes=CACHE_FREE_BYTES)
        remedy = say("free-space-or-move-cache", setting=facts.cache_setting)
        return warning("disk-space", together(seen, need), remedy)
    return ok("disk-space", seen)


def _check_folder(facts: Facts, id: str, role: FolderRole) -> Finding:
    folder = facts.folder(role)
    if folder is None:
        return unknown(id, say("nothing-known-of-it"))
    if not folder.exists and role != "data":
        message = say("folder-is-missing", folder=folder.path)
        return warning(id, message, say("make-folder-or-name-other", setting=folder.setting))
    return _judge_place(id, folder)


def _judge_place(id: str, folder: Folder) -> Finding:
    storage, seen = folder.storage, place(folder)
    local = say("use-local-disk", setting=folder.setting)
    match storage.storage_class:
        case "host share" if is_windows_drive(storage):
            message = say("folder-on-windows-drive", place=seen)
            return warning(id, message, *off_the_drive(folder.setting))
        case "host share":
            return warning(id, say("folder-of-outer-machine", place=seen), local)
        case "network" | "fuse":
            return warning(id, say("folder-on-network", place=seen), local)
        case "layered" if folder.role == "data":
            return warning(id, say("folder-in-layer", place=seen), say("mount-a-volume"))
        case "memory":
            remedy = say("use-a-disk", setting=folder.setting)
            return warning(id, say("folder-in-memory", place=seen), remedy)
        case _:
            return ok(id, say("folder-is-at", place=seen))
