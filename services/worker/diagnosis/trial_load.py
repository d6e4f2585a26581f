"""Loads the model once under a stopwatch: phases, files opened, bytes fetched, processor time."""

import resource
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import torch

from services.worker.machine.resources import waited_seconds
from services.worker.models.files.weight_files import find_weights
from services.worker.models.hub.model_places import ModelFiles
from services.worker.models.load import LoadedModel
from services.worker.models.quantized.nf4_artifact import WEIGHTS_NAME
from services.worker.models.reading.cached_pages import cached_pages, make_cold
from services.worker.models.reading.page_cache import available_memory_bytes, read_into_page_cache
from services.worker.models.residency import Residency
from services.worker.running_job import RunningJob
from shared.reports.load_facts import OpenedFile, TrialLoad


def try_load(
    files: ModelFiles, *, cold: bool, residency: Residency, job: RunningJob, warm: bool = False
) -> TrialLoad:
    """Load `files` anew, even if the same base is in memory, and leave it in memory for the next job.

    What was resident goes first, so that a trial never needs the memory of two models. With `cold` the weight
    files leave the page cache before, with `warm` they are brought into it; whether that was possible is in
    the answer. Raises JobFailed as a load does.
    """
    residency.evict()
    weights = find_weights(files.folder).files
    if warm:
        read_into_page_cache(weights, available_memory_bytes(), lambda done: job.progress("reading"))
    return _timed(weights, cold, lambda: residency.base(files, job, from_checkpoint=True)[0])


def try_copy(
    files: ModelFiles, folder: Path, *, cold: bool, residency: Residency, job: RunningJob
) -> TrialLoad:
    """The same from the prepared copy in `folder`, and without `cold` from memory.

    Raises ArtifactUnusable and OSError where the copy can't be used.
    """
    residency.evict()
    weights = (folder / WEIGHTS_NAME,)
    if not cold:
        read_into_page_cache(weights, available_memory_bytes(), lambda done: job.progress("reading"))
    return _timed(weights, cold, lambda: residency.from_copy(files, folder, job))


def _timed(weights: tuple[Path, ...], cold: bool, load: Callable[[], LoadedModel]) -> TrialLoad:
    if cold:
        for path in weights:
            make_cold(path)
    cached = _cached_bytes(weights)
    before = _Usage.now()
    loaded = load()
    after = _Usage.now()
    return _described(
        loaded,
        total_seconds=after.wall_seconds - before.wall_seconds,
        cold_wanted=cold,
        cached_bytes_before=cached,
        storage_read_bytes=None
        if before.storage_bytes is None or after.storage_bytes is None
        else after.storage_bytes - before.storage_bytes,
        major_faults=after.major_faults - before.major_faults,
        cpu_seconds=after.cpu_seconds - before.cpu_seconds,
        processor_wait_ratio=None
        if before.processor_wait_seconds is None or after.processor_wait_seconds is None
        else (after.processor_wait_seconds - before.processor_wait_seconds)
        / (after.wall_seconds - before.wall_seconds),
    )


def describe_resident(loaded: LoadedModel) -> TrialLoad:
    """The load that brought the resident model in, as far as it was recorded then.

    Its folder is the one that was read: of a model that was loaded from its quantized copy, the copy's.
    """
    folder = loaded.opened_files[0].parent if loaded.from_artifact else loaded.files.folder
    opened = tuple(
        OpenedFile(name=path.name, bytes=path.stat().st_size)
        for path in loaded.opened_files
        if path.is_file()  # it may have been deleted since
    )
    return TrialLoad(
        source="resident",
        folder=str(folder),
        device=str(loaded.device),
        total_seconds=sum(loaded.phase_seconds.values()),
        phase_seconds=dict(loaded.phase_seconds),
        weight_bytes=loaded.weight_bytes,
        opened_files=opened,
    )


def device_of_trials() -> torch.device:
    """Where a load goes when no worker decides."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@dataclass(frozen=True)
class _Usage:
    """What this process had used up at one moment."""

    wall_seconds: float
    cpu_seconds: float
    major_faults: int
    storage_bytes: int | None
    processor_wait_seconds: float | None

    @classmethod
    def now(cls) -> "_Usage":
        return cls(
            wall_seconds=time.perf_counter(),
            cpu_seconds=time.process_time(),
            major_faults=resource.getrusage(resource.RUSAGE_SELF).ru_majflt,
            storage_bytes=_storage_bytes(),
            processor_wait_seconds=waited_seconds("cpu"),
        )


def _described(loaded: LoadedModel, **measured: float | bool | int | None) -> TrialLoad:
    return TrialLoad.model_validate(describe_resident(loaded).model_dump() | {"source": "trial"} | measured)


def _cached_bytes(weights: Iterable[Path]) -> int | None:
    found = [cached_pages(path).cached_bytes for path in weights]
    known = [count for count in found if count is not None]
    return sum(known) if len(known) == len(found) else None


def _storage_bytes() -> int | None:
    """Bytes the kernel fetched from storage for this process; kernels without task accounting do not say."""
    try:
        rows = Path("/proc/self/io").read_text().splitlines()
    except OSError:
        return None
    return next((int(row.partition(":")[2]) for row in rows if row.startswith("read_bytes:")), None)
