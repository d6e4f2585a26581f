"""What a diagnosis knows about one model and its loading: gathered once, then only read."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from shared.reports.machine import DiskActivity, Memory, Pressure, ReadSpeed
from shared.reports.model_files import Checkpoint, ConvertedCopy, FileHash, HubCache, HubModel, PreparedCopy
from shared.reports.storage import Storage
from shared.reports.stored import Said, Stored, Word


class OpenedFile(Stored):
    """A weight file that this process had mapped during the trial load."""

    name: str
    bytes: int


class TrialLoad(Stored):
    """One load of the model, timed. `phase_seconds`: resolve, read, deserialize, quantize, move, rest."""

    lacking: ClassVar[Mapping[str, Any]] = {
        "source": "trial", "folder": "", "device": "unknown",
        "total_seconds": 0.0, "phase_seconds": {}, "weight_bytes": 0,
    }  # fmt: skip

    source: Word[Literal["trial", "resident"]]
    """"resident": not loaded now; the times are of the load that brought the resident model in."""
    folder: str
    """Whose weights it read: another than the checkpoint's where those are pickles, which are converted."""
    device: str
    total_seconds: float
    phase_seconds: dict[str, float]
    weight_bytes: int
    opened_files: tuple[OpenedFile, ...] = ()
    cold_wanted: bool = False
    cached_bytes_before: int | None = None
    """Of the weight files, in the page cache when the load began."""
    storage_read_bytes: int | None = None
    """What the kernel fetched from storage for this process meanwhile (/proc/self/io)."""
    major_faults: int | None = None
    cpu_seconds: float | None = None
    """Processor time of all threads of this process."""
    processor_wait_ratio: float | None = None
    """Share of the time in which some task of the machine waited for a processor (/proc/pressure/cpu)."""

    @property
    def shard_loop_seconds(self) -> float:
        """What a bar over checkpoint shards would show in total: everything done for each tensor."""
        return sum(
            self.phase_seconds.get(phase, 0.0) for phase in ("read", "deserialize", "quantize", "move")
        )

    @property
    def reading_seconds(self) -> float:
        """Time in which bytes came from storage: ahead of the load, or as tensors were read from the map."""
        return self.phase_seconds.get("read", 0.0) + self.phase_seconds.get("deserialize", 0.0)

    @property
    def is_warm(self) -> bool:
        """Whether the files were in the page cache, all but what does not matter."""
        return self.cached_bytes_before is not None and self.uncached_bytes <= 0.05 * self.weight_bytes

    @property
    def is_cold(self) -> bool:
        """Whether storage had to deliver the files, all but what does not matter."""
        return self.cached_bytes_before is not None and self.cached_bytes_before <= 0.05 * self.weight_bytes

    @property
    def uncached_bytes(self) -> int:
        """Weight bytes that storage had to deliver."""
        return max(0, self.weight_bytes - (self.cached_bytes_before or 0))


class TrialFailure(Stored):
    """Why the trial load did not end; the words of the worker's failures."""

    lacking: ClassVar[Mapping[str, Any]] = {"code": "", "remedy": ""}

    code: str
    message: Said
    remedy: Said


class Target(Stored):
    """A place of this installation that weights could be read from instead."""

    name: str
    """A storage of TUNEDOCK_STORAGES, or "data": the data folder, where prepared copies lie."""
    folder: str
    limit_bytes_per_second: float | None = None
    reason: Said | None = None
    """Why its speed is unknown."""


class LoadFacts(Stored):
    """All facts of one diagnosis; a part that was not or could not be gathered is None."""

    lacking: ClassVar[Mapping[str, Any]] = {
        "model": "", "measured_at": 0.0, "python": "", "models_dir": "", "wanted_dtype": "",
        "checkpoint": {}, "cache": {}, "storage": {}, "memory": {},
    }  # fmt: skip

    model: str
    wanted_revision: str | None = None
    """As asked for; None: what a request without one gets."""
    measured_at: float
    """UTC seconds."""
    python: str
    """The interpreter whose libraries load models."""
    models_dir: str
    models_dir_writable: bool | None = None
    """Whether the worker may write there; compose mounts it read-only."""
    checkpoint: Checkpoint
    cache: HubCache
    storage: Storage
    wanted_dtype: str = "BF16"
    """In the words of safetensors."""
    read_speed: ReadSpeed | None = None
    disk_behind: str | None = None
    """The disk that read while the model's files were read, where the filesystem names none."""
    disk_activity: DiskActivity | None = None
    memory: Memory
    locate_seconds: float | None = None
    """Time to find the model's folder, questions to the hub included."""
    trial: TrialLoad | None = None
    trial_failure: TrialFailure | None = None
    warm: TrialLoad | None = None
    """The checkpoint once more, its files in the page cache; None where `trial` was such a load."""
    copy_in_use: PreparedCopy | None = None
    converted: ConvertedCopy | None = None
    """None: the weights are no pickles, or were not converted yet."""
    prepared: tuple[TrialLoad, ...] = ()
    """Loads of the prepared copy: with its file out of memory where that was wanted, then from memory."""
    targets: tuple[Target, ...] = ()
    intake_bytes_per_second: float | None = None
    """How fast a prepared copy that lies in memory already is copied and hashed by this process."""
    pressure: Pressure | None = None
    """While the model was loaded."""
    hashes: tuple[FileHash, ...] = ()
    hub: HubModel | None = None
    """None: no hub model."""
    environment: Storage | None = None
    """Where the libraries lie that load models."""
    versions: dict[str, str] = {}

    @property
    def limit_bytes_per_second(self) -> float | None:
        return None if self.read_speed is None else self.read_speed.limit_bytes_per_second

    @property
    def checkpoint_runs(self) -> tuple[TrialLoad, ...]:
        """The loads of the checkpoint that were made for this diagnosis."""
        return tuple(run for run in (self.trial, self.warm) if run is not None and run.source == "trial")

    @property
    def warm_run(self) -> TrialLoad | None:
        """The load of the checkpoint for which storage had next to nothing to deliver."""
        return next((run for run in reversed(self.checkpoint_runs) if run.is_warm), None)

    def limit_of(self, run: TrialLoad) -> float | None:
        """The rate of the storage that `run` read the checkpoint from; a converted copy's is another's."""
        return self.limit_bytes_per_second if run.folder == self.checkpoint.folder else None

    def target(self, name: str) -> Target | None:
        return next((target for target in self.targets if target.name == name), None)

    @property
    def in_hub_cache(self) -> bool:
        return self.checkpoint.source in ("hub", "hub_cache")

    @property
    def storage_name(self) -> str:
        """Which of this installation's storages the model is in, as a metric's label."""
        return {"folder": "models", "prepared": "data"}.get(self.checkpoint.source, "hub_cache")

    def read_seconds(self, size_bytes: int) -> float | None:
        """Time for `size_bytes` at the storage's limit: no load from it can be faster."""
        limit = self.limit_bytes_per_second
        return None if not limit else size_bytes / limit
