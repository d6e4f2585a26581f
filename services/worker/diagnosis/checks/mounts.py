"""What kind of place the model lies in."""

from services.worker.diagnosis.checks.finding import Check, by_seconds
from services.worker.diagnosis.checks.remedies import move_to_faster_disk
from shared.reports.finding import Finding, Remedy
from shared.reports.load_facts import LoadFacts
from shared.reports.storage import Storage
from shared.units import duration, rate, size

_TITLES = {
    "host share": "The model lies in a folder shared by the machine around this one",
    "network": "The model lies on a network filesystem",
    "fuse": "The model lies on a FUSE filesystem",
}


def find_slow_mount(facts: LoadFacts) -> Finding | None:
    storage = facts.storage
    if storage.storage_class not in _TITLES:
        return None
    seconds = facts.read_seconds(facts.checkpoint.opened_bytes)
    remedy = move_to_faster_disk(facts, _better_place(storage))
    return Finding(
        id="slow-mount",
        severity="warning" if seconds is None else by_seconds(remedy.saves_seconds),
        title=f"{_TITLES[storage.storage_class]} ({storage.filesystem})",
        evidence=(place(storage), *_speed(facts, seconds)),
        remedies=(remedy,),
    )


def find_slow_environment(facts: LoadFacts) -> Finding | None:
    """Importing torch and transformers opens thousands of small files."""
    storage, trial = facts.environment, facts.trial
    if storage is None or storage.storage_class not in _TITLES:
        return None
    fixed = None
    if trial is not None:
        fixed = trial.phase_seconds.get("resolve", 0.0) + trial.phase_seconds.get("rest", 0.0)
    costs = () if fixed is None else (f"the load's fixed costs, imports among them, were {duration(fixed)}",)
    return Finding(
        id="slow-environment",
        severity=by_seconds(fixed),
        title=f"Python's libraries lie on a slow mount ({storage.filesystem})",
        evidence=(place(storage), "importing them opens thousands of small files", *costs),
        remedies=(Remedy(action=f"build the environment anew on {_better_place(storage)}"),),
    )


def find_container_layer(facts: LoadFacts) -> Finding | None:
    if facts.storage.storage_class != "layered":
        return None
    cached = facts.in_hub_cache
    lost = (
        "a new container downloads the model again" if cached else "it is part of this container or its image"
    )
    remedies = (
        Remedy(
            action="mount a named volume at the cache folder",
            command=f"docker run -v hub-cache:{facts.cache.folder} …",
        ),
    )
    return Finding(
        id="container-layer",
        severity="warning" if cached else "info",
        title=f"The model lies in a container's layer ({facts.storage.filesystem})",
        evidence=(
            place(facts.storage),
            lost,
            *((f"the disk behind it is {facts.disk_behind}",) if facts.disk_behind else ()),
        ),
        remedies=remedies if cached else (),
    )


def find_memory_filesystem(facts: LoadFacts) -> Finding | None:
    if facts.storage.storage_class != "memory":
        return None
    return Finding(
        id="memory-filesystem",
        severity="info",
        title=f"The model lies in memory ({facts.storage.filesystem})",
        evidence=(
            place(facts.storage),
            f"its {size(facts.checkpoint.opened_bytes)} take that much main memory until a restart",
        ),
    )


def place(storage: Storage) -> str:
    """Path, mount and source in one line."""
    options = f", {','.join(storage.options)}" if storage.options else ""
    mount = f"{storage.filesystem} from {storage.source}{options}"
    return f"{storage.real_path} is on {storage.mount_point} ({mount})"


def _speed(facts: LoadFacts, seconds: float | None) -> tuple[str, ...]:
    if seconds is None:
        return ("its speed could not be measured",)
    total, limit = size(facts.checkpoint.opened_bytes), rate(facts.limit_bytes_per_second or 0)
    return (f"{total} ÷ {limit} = {duration(seconds)}",)


def _better_place(storage: Storage) -> str:
    drive = (storage.source or "")[1:3] in (":\\", ":/") or any(
        "drvfs" in option for option in storage.options
    )
    if drive or storage.filesystem in ("drvfs", "9p"):
        return "the Linux side (under WSL2 your home folder, under Docker a named volume)"
    if storage.storage_class == "host share":
        return "a named volume, which lies on the virtual machine's own disk"
    return "a local disk"


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
