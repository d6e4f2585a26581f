"""Where models are cached: which variable won, and whether the place is fast."""

from services.cli.doctor.checks.finding import Finding, ok, together, unknown, warning, windows_step
from services.cli.doctor.checks.place import is_rotational, is_virtual, is_windows_drive, off_the_drive, place
from services.cli.doctor.facts import Facts, Folder
from shared.messages.message import Message, say

ASK_THERE = say("ask-worker-there-row")
NOT_SET = say("host-cache-not-set")
# Compose mounts this volume of its own where no host cache is named.
NO_HOST_CACHE = "no-host-cache/_data"
MEASURE = say("measure-it-row")


def check_model_cache(facts: Facts) -> Finding:
    if facts.caches_unseen and facts.served_elsewhere:
        message = say("cache-of-other-service", address=facts.api.url, folder=facts.cache.folder)
        return unknown("model-cache", message, ASK_THERE)
    if facts.caches_unseen:
        message = say("cache-in-worker-container")
        if facts.worker and facts.worker.hf_cache:
            message = say("cache-in-worker-container-at", folder=facts.worker.hf_cache)
        return unknown("model-cache", message, say("diagnosis-measures-row"))
    folder = facts.folder("model-cache")
    if folder is None:
        return unknown("model-cache", say("nothing-known-of-it"))
    seen = say("cache-decided-piece", place=place(folder), decider=facts.cache.decided_by)
    return _judge_place(facts, folder, seen)


def check_cache_variables(facts: Facts) -> Finding:
    cache = facts.cache
    if facts.caches_unseen:
        return unknown("cache-variables", say("environment-of-worker-container"), _ask(facts))
    if not cache.ignored:
        return ok("cache-variables", say("variables-have-effect", decider=cache.decided_by))
    return warning(
        "cache-variables",
        say(
            "variables-ignored",
            variables=[f"{name}={value}" for name, value in cache.ignored],
            count=len(cache.ignored),
            folder=cache.folder,
            decider=cache.decided_by,
        ),
        say("unset-since-moved") if cache.moved else say("set-cache-variable", folder=cache.ignored[0][1]),
    )


def check_host_cache(facts: Facts) -> Finding:
    folder = facts.folder("host-cache")
    if folder is None and facts.caches_unseen:
        return unknown("host-cache", say("host-cache-in-worker-container"), _ask(facts))
    if folder is None:
        return ok("host-cache", NOT_SET)
    name_it = (say("name-filled-cache"), windows_step(4))
    if not folder.exists:
        return warning("host-cache", say("host-cache-missing", folder=folder.path), *name_it)
    if not folder.readable:
        message = say("host-cache-not-read", place=_named(facts, folder))
        return warning("host-cache", message, say("let-others-read"), windows_step(4))
    if folder.models == 0 and facts.in_compose and folder.mount_root is None:
        return unknown("host-cache", say("host-cache-empty-or-unset", place=place(folder)))
    if folder.models == 0 and (folder.mount_root or "").endswith(NO_HOST_CACHE):
        return ok("host-cache", NOT_SET)
    if folder.models == 0:
        message = say("host-cache-without-models", place=_named(facts, folder))
        made = [say("engine-makes-empty-folder")] if facts.in_compose else []
        return warning("host-cache", message, *made, *name_it)
    seen = say("folder-is-at", place=place(folder))
    is_slow = folder.storage.storage_class != "local"
    return ok("host-cache", together(seen, say("cache-read-once")) if is_slow else seen)


def _judge_place(facts: Facts, folder: Folder, seen: Message) -> Finding:
    storage, move = folder.storage, _how_to_move(facts)
    match storage.storage_class:
        case "host share" if is_windows_drive(storage):
            message = say("cache-on-windows-drive", place=seen)
            return warning("model-cache", message, *off_the_drive(facts.cache_setting))
        case "host share" | "fuse" | "network":
            return warning("model-cache", say("cache-across-network", place=seen), move, MEASURE)
        case "layered":
            return warning("model-cache", say("cache-in-layer", place=seen), say("mount-named-volume"))
        case "memory":
            return warning("model-cache", say("cache-in-memory", place=seen), move)
    if facts.wsl:
        message = say("cache-in-windows-image", place=seen)
        return unknown("model-cache", message, say("keep-image-on-ssd"), windows_step(3), MEASURE)
    if is_rotational(storage) and is_virtual(storage):
        return unknown("model-cache", say("cache-on-virtual-disk", place=seen), MEASURE)
    if is_rotational(storage):
        return warning("model-cache", say("cache-on-hard-disk", place=seen), move, MEASURE)
    return ok("model-cache", say("cache-place", place=seen))


def _how_to_move(facts: Facts) -> Message:
    if facts.cache.moved:
        return say("move-cache-on")
    return say("copy-cache", setting=facts.cache_setting)


def _named(facts: Facts, folder: Folder) -> Message:
    """The folder, in a container with what is mounted there: the name its owner gave is not known inside."""
    if not facts.in_compose or folder.mount_root is None:
        return place(folder)
    return say("mounted-place-piece", place=place(folder), root=folder.mount_root)


def _ask(facts: Facts) -> Message:
    return say("worker-tells-in-log", log=facts.worker_log) if facts.container else ASK_THERE
