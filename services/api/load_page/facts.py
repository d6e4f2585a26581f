"""The facts of a report that the page shows."""

from services.api.load_page.part import Part, Text


class WeightFile(Part):
    name: Text
    format: Text = "unknown"
    bytes: int = 0
    opened: bool = False
    tensors: int | None = None
    problem: Text | None = None


class Checkpoint(Part):
    folder: Text = ""
    source: Text = ""
    revision: Text | None = None
    files: tuple[WeightFile, ...] = ()
    dtype_parameters: dict[Text, int] = {}
    bfloat16_bytes: int | None = None
    nf4_bytes: int | None = None
    quantized: bool = False


class CacheVariable(Part):
    name: Text
    value: Text
    effect: Text
    reason: Text = ""


class CacheCopy(Part):
    folder: Text
    bytes: int = 0


class HubCache(Part):
    folder: Text = ""
    decided_by: Text = ""
    variables: tuple[CacheVariable, ...] = ()
    offline: bool = False
    copies: tuple[CacheCopy, ...] = ()


class BlockDevice(Part):
    disks: tuple[Text, ...] = ()
    rotational: bool | None = None
    read_ahead_bytes: int | None = None


class Storage(Part):
    real_path: Text = ""
    storage_class: Text = "unknown"
    filesystem: Text | None = None
    mount_point: Text | None = None
    source: Text | None = None
    options: tuple[Text, ...] = ()
    block_device: BlockDevice | None = None
    total_bytes: int | None = None
    free_bytes: int | None = None
    unknown: dict[Text, Text] = {}


class Rate(Part):
    bytes_per_second: float | None = None
    slowest_bytes_per_second: float | None = None
    reason: Text | None = None


class Latency(Part):
    median_seconds: float | None = None
    p95_seconds: float | None = None
    reason: Text | None = None


class ReadSpeed(Part):
    direct: Rate = Rate()
    buffered: Rate = Rate()
    mapped: Rate = Rate()
    warm: Rate = Rate()
    small: Latency = Latency()


class DiskActivity(Part):
    device: Text | None = None
    window_seconds: float = 0.0
    busy_ratio: float | None = None
    stalled_ratio: float | None = None
    unknown: dict[Text, Text] = {}


class Memory(Part):
    total_bytes: int | None = None
    available_bytes: int | None = None
    cgroup_limit_bytes: int | None = None
    unknown: dict[Text, Text] = {}


class Trial(Part):
    source: Text = "trial"
    folder: Text = ""
    device: Text = "unknown"
    weight_bytes: int = 0
    cached_bytes_before: int | None = None
    storage_read_bytes: int | None = None
    cpu_seconds: float | None = None


class TrialFailure(Part):
    code: Text = ""
    message: Text
    remedy: Text = ""


class HubModel(Part):
    unknown: Text | None = None


class FileHash(Part):
    name: Text
    matches: bool | None = None
    reason: Text = ""


class Facts(Part):
    checkpoint: Checkpoint = Checkpoint()
    cache: HubCache = HubCache()
    storage: Storage = Storage()
    wanted_dtype: Text | None = None
    read_speed: ReadSpeed | None = None
    disk_behind: Text | None = None
    disk_activity: DiskActivity | None = None
    memory: Memory = Memory()
    trial: Trial | None = None
    trial_failure: TrialFailure | None = None
    hub: HubModel = HubModel()
    hashes: tuple[FileHash, ...] = ()
    versions: dict[Text, Text] = {}
