"""Where models are cached: which variable won, and whether the place is fast."""

from services.cli.doctor.checks.finding import WINDOWS_PAGE, Finding, ok, unknown, warning
from services.cli.doctor.checks.place import is_rotational, is_virtual, is_windows_drive, off_the_drive, place
from services.cli.doctor.facts import Facts, Folder

ASK_THERE = "Ask there, where the worker tells of it: docker compose exec api tunedock doctor."
# Compose mounts this volume of its own where no host cache is named.
NO_HOST_CACHE = "no-host-cache/_data"
MADE_BY_ENGINE = "The engine makes an empty folder where the one you name is not there. "
MEASURE = "Measure it: ./tunedock diagnose MODEL."


def check_model_cache(facts: Facts) -> Finding:
    if facts.caches_unseen and facts.served_elsewhere:
        return unknown(
            "model-cache",
            f"the service at {facts.api.url} was not started from here: what it uses is not "
            f"{facts.cache.folder}",
            ASK_THERE,
        )
    if facts.caches_unseen:
        return unknown(
            "model-cache",
            f"the worker's container has it{_worker_place(facts)}, not this one",
            "A diagnosis names its disk and measures it: tunedock diagnose MODEL.",
        )
    folder = facts.folder("model cache")
    if folder is None:
        return unknown("model-cache", "nothing is known of it")
    return _judge_place(facts, folder, f"{place(folder)}, decided by {facts.cache.decided_by}")


def check_cache_variables(facts: Facts) -> Finding:
    if facts.caches_unseen:
        return unknown("cache-variables", "the worker's container has its own environment", _ask(facts))
    if not facts.cache.ignored:
        return ok(
            "cache-variables",
            f"{facts.cache.decided_by} decides, and no variable that is set is without effect",
        )
    names = ", ".join(f"{name}={value}" for name, value in facts.cache.ignored)
    return warning(
        "cache-variables",
        f"{names} is ignored by transformers 5; {facts.cache.decided_by} decides: {facts.cache.folder}",
        "Unset it: a job moved the cache."
        if facts.cache.moved
        else f"If the models are there, set HF_HUB_CACHE={facts.cache.ignored[0][1]} and unset the other.",
    )


def check_host_cache(facts: Facts) -> Finding:
    folder = facts.folder("host cache")
    if folder is None and facts.caches_unseen:
        return unknown("host-cache", "only the worker's container sees it", _ask(facts))
    if folder is None:
        return ok("host-cache", "TUNEDOCK_HOST_HF_CACHE is not set: there is no other cache to copy from")
    if not folder.exists:
        return warning(
            "host-cache",
            f"TUNEDOCK_HOST_HF_CACHE names {folder.path}, which does not exist here",
            f"Name the folder of the cache your scripts filled; {WINDOWS_PAGE}, step 4.",
        )
    if not folder.readable:
        return warning(
            "host-cache",
            f"{_named(facts, folder)} can't be read by the worker's user",
            f"Let others read it (chmod -R o+rX), or leave it out; {WINDOWS_PAGE}, step 4.",
        )
    if folder.models == 0 and facts.in_compose and folder.mount_root is None:
        return unknown(
            "host-cache",
            f"{place(folder)} is empty: if you set TUNEDOCK_HOST_HF_CACHE, that folder has no models",
        )
    if folder.models == 0 and (folder.mount_root or "").endswith(NO_HOST_CACHE):
        return ok("host-cache", "TUNEDOCK_HOST_HF_CACHE is not set: there is no other cache to copy from")
    if folder.models == 0:
        return warning(
            "host-cache",
            f"{_named(facts, folder)} holds no model (no folder models--… in it or in its hub)",
            f"{MADE_BY_ENGINE if facts.in_compose else ''}Name the folder of the cache your scripts filled; "
            f"{WINDOWS_PAGE}, step 4.",
        )
    slow = ": slow, but read once only, to copy" if folder.storage.storage_class != "local" else ""
    return ok("host-cache", f"{place(folder)}{slow}")


def _judge_place(facts: Facts, folder: Folder, seen: str) -> Finding:
    storage, move = folder.storage, _how_to_move(facts)
    match storage.storage_class:
        case "host share" if is_windows_drive(storage):
            return warning(
                "model-cache", f"{seen}: on a drive of Windows", off_the_drive(facts.cache_setting)
            )
        case "host share" | "fuse" | "network":
            return warning("model-cache", f"{seen}: each load reads across it", f"{move}. {MEASURE}")
        case "layered":
            return warning(
                "model-cache",
                f"{seen}: in a container's own layer, so a new container downloads everything again",
                "Mount a named volume there.",
            )
        case "memory":
            return warning("model-cache", f"{seen}: in memory, gone at the next restart", f"{move}.")
    if facts.wsl:
        return unknown(
            "model-cache",
            f"{seen}: in a disk image of Windows; which disk holds that image is not seen from here",
            f"Keep the image on the SSD: {WINDOWS_PAGE}, step 3. {MEASURE}",
        )
    if is_rotational(storage) and is_virtual(storage):
        return unknown(
            "model-cache", f"{seen}: it reports itself as a hard disk, and so do most virtual disks", MEASURE
        )
    if is_rotational(storage):
        return warning("model-cache", f"{seen}: a hard disk", f"{move} on an SSD. {MEASURE}")
    return ok("model-cache", seen)


def _how_to_move(facts: Facts) -> str:
    if facts.cache.moved:
        return "Move it on, to a local disk: ./tunedock prepare MODEL --move-cache-to STORAGE"
    return f"Copy it to a local disk with its links (cp -a) and name that in {facts.cache_setting}"


def _named(facts: Facts, folder: Folder) -> str:
    """The folder, in a container with what is mounted there: the name its owner gave is not known inside."""
    if not facts.in_compose or folder.mount_root is None:
        return place(folder)
    return f"{place(folder)}, which is {folder.mount_root} there,"


def _ask(facts: Facts) -> str:
    return f"The worker tells of it while it runs: {facts.worker_log}." if facts.container else ASK_THERE


def _worker_place(facts: Facts) -> str:
    return f" at {facts.worker.hf_cache}" if facts.worker and facts.worker.hf_cache else ""
