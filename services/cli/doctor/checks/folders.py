"""Repository, data, datasets and models: where they lie, and whether there is room."""

from services.cli.doctor.checks.finding import Finding, error, gigabytes, ok, unknown, warning
from services.cli.doctor.checks.place import is_windows_drive, off_the_drive, place
from services.cli.doctor.facts import Facts, Folder, FolderRole

CACHE_FREE_BYTES = 10 * 10**9  # the default model is published with 9.62 GB


def check_repository(facts: Facts) -> Finding:
    folder = facts.folder("repository")
    if folder is None or folder.storage.storage_class == "layered":
        return ok("repository", "part of the image")
    if is_windows_drive(folder.storage):
        return warning(
            "repository",
            f"{place(folder)}: on a drive of Windows, so starting takes long and ./data lies there too",
            "Clone it on the Linux side (git clone … ~/tunedock). " + off_the_drive(None),
        )
    return ok("repository", place(folder))


def check_data_folder(facts: Facts) -> Finding:
    folder = facts.folder("data")
    if folder is not None and not folder.writable:
        return error(
            "data-folder",
            f"{place(folder)} can't be written",
            "Give it to this user, or name another folder in TUNEDOCK_DATA_DIR.",
        )
    return _check_folder(facts, "data-folder", "data")


def check_datasets_folder(facts: Facts) -> Finding:
    return _check_folder(facts, "datasets-folder", "datasets")


def check_models_folder(facts: Facts) -> Finding:
    return _check_folder(facts, "models-folder", "models")


def check_disk_space(facts: Facts) -> Finding:
    data, cache = facts.folder("data"), facts.folder("model cache")
    free = None if data is None else data.storage.free_bytes
    if free is None:
        return unknown("disk-space", "the free space of the data folder can't be read")
    seen = f"data folder {gigabytes(free)} free"
    if free < facts.min_free_bytes:
        return error(
            "disk-space",
            f"{seen}, less than TUNEDOCK_MIN_FREE_BYTES ({gigabytes(facts.min_free_bytes)}): uploads and "
            "jobs are refused",
            "Delete what is not needed: old jobs (./tunedock prune --dry-run shows which would go), "
            "fine-tuned models (./tunedock delete ft:…), old base models in the cache (hf cache prune).",
        )
    cache_free = cache.storage.free_bytes if cache and not facts.caches_unseen else None
    if cache_free is None:
        return ok("disk-space", seen)
    seen += f", model cache {gigabytes(cache_free)} free"
    if cache_free < CACHE_FREE_BYTES and not facts.cache.holds_default_model:
        return warning(
            "disk-space",
            f"{seen}: {facts.default_model} is not in the cache, and models of its size take about 10 GB",
            f"Free some space, or name a cache on a larger disk in {facts.cache_setting}.",
        )
    return ok("disk-space", seen)


def _check_folder(facts: Facts, id: str, role: FolderRole) -> Finding:
    folder = facts.folder(role)
    if folder is None:
        return unknown(id, "nothing is known of it")
    if not folder.exists and role != "data":
        return warning(
            id, f"{folder.path} does not exist", f"Make it, or name another folder in {folder.setting}."
        )
    return _judge_place(id, folder)


def _judge_place(id: str, folder: Folder) -> Finding:
    storage, seen = folder.storage, place(folder)
    match storage.storage_class:
        case "host share" if is_windows_drive(storage):
            return warning(id, f"{seen}: on a drive of Windows", off_the_drive(folder.setting))
        case "host share":
            return warning(
                id, f"{seen}: shared by the machine around this one", f"Use a local disk: {folder.setting}."
            )
        case "network" | "fuse":
            return warning(
                id, f"{seen}: on a network or FUSE filesystem", f"Use a local disk: {folder.setting}."
            )
        case "layered" if folder.role == "data":
            return warning(
                id,
                f"{seen}: in the container's own layer, gone with the container",
                "Mount a volume there, or name a mounted folder in TUNEDOCK_DATA_DIR.",
            )
        case "memory":
            return warning(
                id, f"{seen}: in memory, gone at the next restart", f"Use a disk: {folder.setting}."
            )
        case _:
            return ok(id, seen)
