"""What the doctor knows of a machine and an installation before it judges anything."""

from pathlib import Path
from typing import Literal

from shared.cache_facts import CachesSeen
from shared.messages.message import Message
from shared.reports.storage import Storage
from shared.schemas.frozen import Frozen

WEBHOOKS_FILE = "compose.webhooks.yaml"

StoreState = Literal[
    "answers", "not-running", "elsewhere", "unreachable", "silent", "loading", "wrong-password", "bad-setting"
]
FolderRole = Literal["repository", "data", "datasets", "models", "model-cache", "host-cache"]


class StoreFacts(Frozen):
    """How the job store answered; never holds its password."""

    embedded: bool
    state: StoreState
    address: str | None = None
    detail: str = ""
    version: str | None = None
    durable: bool | None = None
    """Whether each change is logged to disk."""
    eviction: str | None = None
    memory_bytes: int | None = None
    memory_limit_bytes: int | None = None
    """0: no limit."""


class Missing(Frozen):
    """One thing that the API says it needs before a job can run."""

    path: str
    message: str | Message


class ApiFacts(Frozen):
    """What the API's public pages say."""

    url: str
    answers: bool = False
    ready: bool = False
    missing: tuple[Missing, ...] = ()
    devices: tuple[str, ...] = ()
    """What its live workers compute on: `cpu` or a card's name."""


class KeyFacts(Frozen):
    """The API key that commands use."""

    path: str
    problem: str | Message | None = None
    accepted: bool | None = None
    """None: the API did not answer, or there was no key to ask with."""


class WebhookFacts(Frozen):
    """The newest deliveries of webhooks, `looked_at` of them; None: the API was not asked, or did not say."""

    looked_at: int | None = None
    not_delivered: int = 0
    """Given up, off, or tried in vain so far."""
    url: str = ""
    """Of the newest of these."""
    problem: str = ""


class WorkerState(Frozen):
    """What the worker wrote of itself, `age_seconds` ago."""

    age_seconds: float
    device: str | None = None
    problem: str | Message | None = None
    hf_cache: str | None = None
    caches: CachesSeen | None = None

    @property
    def speaks(self) -> bool:
        """Whether its last word is fresh; a long load may keep it silent for a while."""
        return self.age_seconds < 60


class ProgramCall(Frozen):
    """How a program that was asked something ended."""

    path: str | None = None
    """None: there is no such program."""
    exit_code: int | None = None
    """None: not run, could not be started, or stopped at its time limit."""
    output: str = ""
    complaint: str | Message = ""
    is_silent: bool = False
    """It was stopped at its time limit."""


class Card(Frozen):
    """An NVIDIA card as nvidia-smi shows it."""

    name: str
    driver: str
    memory_bytes: int | None = None
    compute_capability: float | None = None


class CardFacts(Frozen):
    """What of a card is visible at each level, from the bus to torch."""

    cards: tuple[Card, ...] = ()
    nvidia_smi: ProgramCall = ProgramCall()
    on_pci_bus: bool = False
    device_files: tuple[str, ...] = ()
    """/dev/nvidia0 and the like; under WSL /dev/dxg."""
    linux_driver_in_wsl: bool = False
    torch: str | None = None
    """Version of the torch installed beside this command; containers have their own."""


class EngineFacts(Frozen):
    """The container engine that `docker` speaks to."""

    path: str | None = None
    version: str | None = None
    operating_system: str = ""
    runtimes: tuple[str, ...] = ()
    nvidia_hook: bool = False
    """The toolkit's hook or a CDI device is there: the engine takes cards without a runtime of that name."""
    problem: str | Message = ""


class ComposeFacts(Frozen):
    """What a plain `docker compose` of this checkout means, and what runs of it."""

    dotenv: str | None = None
    """The .env that was read; None: there is none."""
    api_url: str = "http://127.0.0.1:8080"
    """Where the containers' API is published."""
    chosen: tuple[str, ...] = ("docker-compose.yml",)
    """The files that a plain `docker compose` reads."""
    running: tuple[str, ...] = ()
    """The files that this checkout's containers were started with; empty: none run, or nobody can tell."""
    webhooks_in: Literal["dotenv", "environment"] | None = None
    """Where compose finds addresses that every job's end is told to."""

    @property
    def lets_webhooks_out(self) -> bool:
        """Whether what the API sends leaves the machine, as it runs or as a plain `up` would start it."""
        return WEBHOOKS_FILE in {Path(name).name for name in self.running or self.chosen}


class Folder(Frozen):
    """One folder that the installation works with."""

    role: FolderRole
    path: str
    setting: str | None = None
    """The variable that moves it."""
    exists: bool = True
    writable: bool = True
    models: int | None = None
    """How many models a Hugging Face cache holds; None where that was not looked for."""
    readable: bool = True
    mount_root: str | None = None
    """What the worker's container has mounted there: its place on its own filesystem."""
    storage: Storage


class DataUse(Frozen):
    """What the bytes of the data folder are for."""

    by_kind: dict[str, int] = {}
    complete: bool = True
    """Whether there was time to count all of it."""


class CacheFacts(Frozen):
    """Which variable decides where models are cached."""

    folder: str
    decided_by: str | Message
    ignored: tuple[tuple[str, str], ...] = ()
    """Variables, with their values, that look as if they moved the cache, and do not."""
    holds_default_model: bool = False
    told_by_worker: bool = False
    """The worker looked, not this command."""
    moved: bool = False
    """A job moved it, so that no variable decides."""


class PowerFacts(Frozen):
    """Power source and mode; None where the kernel shows nothing."""

    on_battery: bool | None = None
    profile: str | None = None
    """platform_profile: low-power, balanced, performance and the like."""
    governor: str | None = None
    """cpufreq's governor, `driver/governor/preference`, as far as there are any."""


class Facts(Frozen):
    """Everything the checks may look at."""

    kernel: str = ""
    wsl: bool = False
    container: bool = False
    stack_here: bool = False
    """Whether `./tunedock up` runs on this data folder."""
    memory_bytes: int | None = None
    wanted_device: Literal["auto", "cuda", "cpu"] = "auto"
    default_model: str = ""
    min_free_bytes: int = 0
    data_dir: str = ""
    store: StoreFacts
    api: ApiFacts
    key: KeyFacts
    webhooks: WebhookFacts = WebhookFacts()
    worker: WorkerState | None = None
    card: CardFacts = CardFacts()
    engine: EngineFacts = EngineFacts()
    compose: ComposeFacts = ComposeFacts()
    folders: tuple[Folder, ...] = ()
    data_use: DataUse = DataUse()
    cache: CacheFacts
    power: PowerFacts = PowerFacts()

    def folder(self, role: FolderRole) -> Folder | None:
        return next((folder for folder in self.folders if folder.role == role), None)

    @property
    def worker_elsewhere(self) -> bool:
        """Whether the worker has a container of its own, whose card and cache are not seen from here."""
        return self.container and not self.store.embedded

    @property
    def served_elsewhere(self) -> bool:
        """Whether the API that answers was not started from here; mostly it is in containers."""
        return self.api.answers and not (self.stack_here or self.container or self.worker_speaks)

    @property
    def nothing_runs_here(self) -> bool:
        """Whether the worker's file is one that a stack of this data folder left behind when it ended."""
        return not (self.api.answers or self.stack_here or self.container) and self.store.embedded

    @property
    def in_compose(self) -> bool:
        """Whether the parts of the service are containers, as far as this can be told."""
        return self.worker_elsewhere or self.served_elsewhere

    @property
    def caches_unseen(self) -> bool:
        """Whether the caches are the worker's alone, and it has not told of them."""
        return self.in_compose and not self.cache.told_by_worker

    @property
    def worker_log(self) -> str:
        """Where the worker's log is read."""
        return "docker compose logs worker" if self.in_compose else f"{self.data_dir}/logs/worker.log"

    @property
    def worker_torch(self) -> str | None:
        """The version of the worker's torch; None where that is an image's."""
        return None if self.in_compose else self.card.torch

    @property
    def cache_setting(self) -> str:
        """The variable that moves the model cache."""
        return "TUNEDOCK_HF_CACHE" if self.in_compose else "HF_HUB_CACHE"

    @property
    def worker_device(self) -> str | None:
        """What the worker computes on, by its own word or the API's."""
        if self.api.devices:
            return self.api.devices[0]
        return self.worker.device if self.worker_speaks and self.worker else None

    @property
    def worker_speaks(self) -> bool:
        return self.worker is not None and self.worker.speaks
