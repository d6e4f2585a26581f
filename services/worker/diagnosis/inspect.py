"""Gathers the facts of one diagnosis: files, cache, storage, speed, memory, and a trial load if wanted."""

import os
import platform
import sys
import time
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path

from services.worker.diagnosis.cache_rules import describe_cache
from services.worker.diagnosis.converted import verify_converted
from services.worker.diagnosis.hashes import compare_hashes
from services.worker.diagnosis.hub_facts import ask_hub
from services.worker.diagnosis.intake import intake_bytes_per_second
from services.worker.diagnosis.read_speed import measure_read_speed
from services.worker.diagnosis.targets import measure_targets
from services.worker.diagnosis.trials import Trials
from services.worker.diagnosis.weights import describe_checkpoint, weight_paths
from services.worker.machine.pressure import PressureWatch
from services.worker.machine.resources import disk_that_read, read_disk_counters, read_memory, watch_disk
from services.worker.models.hub.model_places import ModelFiles
from services.worker.running_job import RunningJob
from shared.reports.load_facts import LoadFacts
from shared.reports.machine import ReadSpeed
from shared.reports.model_files import Checkpoint, ConvertedCopy, FileHash, HubModel
from shared.reports.storage import Storage
from shared.storage import storage_of

SECONDS_BETWEEN_REPORTS = 0.5
WATCH_SECONDS = 1.0
_LIBRARIES = ("torch", "transformers", "huggingface_hub", "safetensors", "bitsandbytes")

TrialLoads = Callable[[], Trials]


def inspect_model(
    files: ModelFiles,
    *,
    wanted_revision: str | None,
    models_dir: Path,
    locate_seconds: float | None,
    trial_loads: TrialLoads,
    places: Mapping[str, Path],
    job: RunningJob,
    watch_seconds: float = WATCH_SECONDS,
) -> LoadFacts:
    """All facts about the model in `files`. `trial_loads` loads it, or answers without a load.

    `places` are measured as targets that the model could be moved to; without any, nothing is measured that
    only predictions need. The disk is left alone for `watch_seconds` to see what others do with it. Reading
    speed comes before the trial and leaves the page cache as it was. Raises JobStopped; a trial that fails is
    a fact.
    """
    job.progress("inspecting", model=files.name)
    checkpoint = describe_checkpoint(files.folder, files.source, files.revision)
    in_cache = files.source in ("hub", "hub_cache")
    cache = describe_cache(files.name, files.folder if in_cache else None)
    paths = weight_paths(checkpoint)
    storage = storage_of(paths[0] if paths else files.folder)
    memory = read_memory()
    tick = _now_and_then(lambda: job.progress("measuring storage"))
    read_speed, disk_behind = _measure(paths, storage, tick)
    disk = storage.block_device.disks[0] if storage.block_device else disk_behind
    activity = watch_disk(disk, watch_seconds)
    job.progress("inspecting", model=files.name)
    targets = measure_targets(places, paths[0], read_speed, tick) if paths else ()
    broken = bool(checkpoint.problems) or any(file.problem for file in checkpoint.opened)
    watch = PressureWatch()
    trials = Trials() if broken else trial_loads()  # what is wrong a check says better than the loader
    pressure = watch.read() if trials.trial or trials.failure else None
    hashes = _hashes(checkpoint, read_speed, job)
    return LoadFacts(
        model=files.name,
        wanted_revision=wanted_revision,
        measured_at=time.time(),
        python=sys.executable,
        models_dir=str(models_dir),
        models_dir_writable=may_be_written(models_dir),
        checkpoint=checkpoint,
        cache=cache,
        storage=storage,
        read_speed=read_speed,
        disk_behind=disk_behind,
        disk_activity=activity,
        memory=memory,
        locate_seconds=locate_seconds,
        trial=trials.trial,
        trial_failure=trials.failure,
        warm=trials.warm,
        copy_in_use=trials.copy,
        prepared=tuple(trials.prepared),
        targets=targets,
        intake_bytes_per_second=intake_bytes_per_second() if places else None,
        pressure=pressure,
        hashes=hashes,
        hub=_ask_hub(files.name, checkpoint, job) if in_cache else None,
        environment=storage_of(Path(sys.prefix)),
        versions=versions(),
    )


def with_converted(
    facts: LoadFacts, folder: Path, before: ConvertedCopy | None, job: RunningJob
) -> LoadFacts:
    """`facts` and the state of the safetensors copy in `folder`, which loads read in place of pickles: its
    bytes are those that become the model. `before` is how it was ahead of the trial, which may mend it.
    """
    limit = next((target.limit_bytes_per_second for target in facts.targets if target.name == "data"), None)
    converted, uncompared = verify_converted(
        folder,
        before,
        read_seconds=lambda size: size / limit if limit else None,
        tick=_now_and_then(lambda: job.progress("hashing")),
    )
    return facts.model_copy(update={"converted": converted, "hashes": facts.hashes + uncompared})


def may_be_written(folder: Path) -> bool:
    """Whether this process may write to `folder`, or make it where it is not there yet."""
    existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    return existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)


def versions() -> dict[str, str]:
    """Of Python, the kernel and the libraries that load models; those not installed are left out."""
    found = {"python": platform.python_version(), "kernel": platform.release()}
    for name in _LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _measure(
    paths: list[Path], storage: Storage, tick: Callable[[], None]
) -> tuple[ReadSpeed | None, str | None]:
    """Reading speed of the files, and the disk that moved meanwhile."""
    if not paths:
        return None, None
    tick()
    before = read_disk_counters()
    speed = measure_read_speed(paths, in_memory=storage.storage_class == "memory", tick=tick)
    fetched = sum(rate.read_bytes for rate in (speed.direct, speed.buffered, speed.mapped))
    return speed, disk_that_read(before, read_disk_counters(), fetched // 2) if fetched else None


def _hashes(checkpoint: Checkpoint, speed: ReadSpeed | None, job: RunningJob) -> tuple[FileHash, ...]:
    """After the trial, which has brought the files into memory."""
    job.progress("hashing")
    limit = speed.limit_bytes_per_second if speed else None
    return compare_hashes(
        Path(checkpoint.folder),
        [file.name for file in checkpoint.opened if file.problem is None],
        read_seconds=lambda size: size / limit if limit else None,
        tick=_now_and_then(lambda: job.progress("hashing")),
    )


def _ask_hub(name: str, checkpoint: Checkpoint, job: RunningJob) -> HubModel:
    job.progress("asking the hub")
    pickled = any(file.format in ("pickle", "legacy pickle") for file in checkpoint.opened)
    return ask_hub(name, find_conversion=pickled)


def _now_and_then(call: Callable[[], None]) -> Callable[[], None]:
    last = time.monotonic()

    def tick() -> None:
        nonlocal last
        if (now := time.monotonic()) - last >= SECONDS_BETWEEN_REPORTS:
            last = now
            call()

    return tick
