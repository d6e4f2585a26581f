"""What kind of place the model lies in."""

from services.worker.diagnosis.checks.finding import Check, by_seconds
from services.worker.diagnosis.checks.places import Place, build_environment
from services.worker.diagnosis.checks.remedies import move_to_faster_disk
from shared.messages.message import Message, say
from shared.reports.finding import Finding, Remedy
from shared.reports.load_facts import LoadFacts
from shared.reports.load_rows import mount_words
from shared.reports.storage import Storage

_SLOW = ("host share", "network", "fuse")


def find_slow_mount(facts: LoadFacts) -> Finding | None:
    storage = facts.storage
    if storage.storage_class not in _SLOW:
        return None
    seconds = facts.read_seconds(facts.checkpoint.opened_bytes)
    remedy = move_to_faster_disk(facts, better_place(storage))
    return Finding(
        id="slow-mount",
        severity="warning" if seconds is None else by_seconds(remedy.saves_seconds),
        title=_slow_title(storage),
        evidence=(lies_on(storage), *_speed(facts, seconds)),
        remedies=(remedy,),
    )


def find_slow_environment(facts: LoadFacts) -> Finding | None:
    """Importing torch and transformers opens thousands of small files."""
    storage, trial = facts.environment, facts.trial
    if storage is None or storage.storage_class not in _SLOW:
        return None
    fixed = None
    if trial is not None:
        fixed = trial.phase_seconds.get("resolve", 0.0) + trial.phase_seconds.get("rest", 0.0)
    costs = () if fixed is None else (say("fixed-costs-were", fixed_seconds=fixed),)
    return Finding(
        id="slow-environment",
        severity=by_seconds(fixed),
        title=say("slow-environment-title", filesystem=storage.filesystem),
        evidence=(lies_on(storage), say("imports-open-small-files"), *costs),
        remedies=(Remedy(action=build_environment(better_place(storage))),),
    )


def find_container_layer(facts: LoadFacts) -> Finding | None:
    if facts.storage.storage_class != "layered":
        return None
    cached = facts.in_hub_cache
    remedies = (
        Remedy(
            action=say("mount-volume-at-cache"),
            command=f"docker run -v hub-cache:{facts.cache.folder} …",
        ),
    )
    return Finding(
        id="container-layer",
        severity="warning" if cached else "info",
        title=say("container-layer-title", filesystem=facts.storage.filesystem),
        evidence=(
            lies_on(facts.storage),
            say("new-container-downloads-again" if cached else "model-is-part-of-image"),
            *((say("disk-behind-is", disk=facts.disk_behind),) if facts.disk_behind else ()),
        ),
        remedies=remedies if cached else (),
    )


def find_memory_filesystem(facts: LoadFacts) -> Finding | None:
    if facts.storage.storage_class != "memory":
        return None
    return Finding(
        id="memory-filesystem",
        severity="info",
        title=say("memory-filesystem-title", filesystem=facts.storage.filesystem),
        evidence=(
            lies_on(facts.storage),
            say("takes-main-memory", weight_bytes=facts.checkpoint.opened_bytes),
        ),
    )


def lies_on(storage: Storage) -> Message:
    """Path, mount and source."""
    return say("lies-on", path=storage.real_path, mount_point=storage.mount_point, mount=mount_words(storage))


def _slow_title(storage: Storage) -> Message:
    if storage.storage_class == "host share":
        return say("slow-mount-host-share-title", filesystem=storage.filesystem)
    if storage.storage_class == "network":
        return say("slow-mount-network-title", filesystem=storage.filesystem)
    return say("slow-mount-fuse-title", filesystem=storage.filesystem)


def _speed(facts: LoadFacts, seconds: float | None) -> tuple[Message, ...]:
    if seconds is None:
        return (say("storage-speed-unmeasured"),)
    return (
        say(
            "weights-through-storage",
            weight_bytes=facts.checkpoint.opened_bytes,
            limit_bytes_per_second=facts.limit_bytes_per_second or 0,
            limit_seconds=seconds,
        ),
    )


def better_place(storage: Storage) -> Place:
    drive = (storage.source or "")[1:3] in (":\\", ":/") or any(
        "drvfs" in option for option in storage.options
    )
    if drive or storage.filesystem in ("drvfs", "9p"):
        return "linux side"
    if storage.storage_class == "host share":
        return "named volume"
    return "local disk"


CHECKS = (
    Check(
        "slow-mount",
        "warning",
        "the model on a host share (9p, drvfs, virtiofs), network or FUSE",
        find_slow_mount,
        explains=("bandwidth-bound", "request-bound", "uneven-speed"),
    ),
    Check(
        "slow-environment",
        "warning",
        "Python's libraries on a host share, network or FUSE",
        find_slow_environment,
        explains=("fixed-costs",),
    ),
    Check("container-layer", "warning", "the cache in a container's own layer", find_container_layer),
    Check("memory-filesystem", "info", "the model on tmpfs", find_memory_filesystem),
)
