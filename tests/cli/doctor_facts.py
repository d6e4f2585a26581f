"""Facts for tests of the doctor: a healthy Linux machine, and what recorded machines differ in."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.cli.doctor.checks import examine
from services.cli.doctor.checks.finding import Finding, Status
from services.cli.doctor.facts import (
    ApiFacts,
    CacheFacts,
    Card,
    CardFacts,
    Facts,
    Folder,
    FolderRole,
    KeyFacts,
    ProgramCall,
    StoreFacts,
    WebhookFacts,
)
from shared.messages.render import in_english
from shared.reports.storage import BlockDevice, Storage
from shared.storage import classify, find_mount, parse_mountinfo

MOUNT_TABLES = Path(__file__).parent.parent / "shared" / "mountinfo"
SSD = Storage(
    path="/home/me",
    real_path="/home/me",
    storage_class="local",
    filesystem="ext4",
    mount_point="/",
    source="/dev/nvme0n1p2",
    block_device=BlockDevice(name="nvme0n1p2", device="259:2", disks=("nvme0n1",), rotational=False),
    free_bytes=200 * 10**9,
)
RTX_3050 = Card(
    name="NVIDIA GeForce RTX 3050", driver="581.29", memory_bytes=6442450944, compute_capability=8.6
)


def healthy(**changed: Any) -> Facts:
    """A Linux machine with a card on which the embedded stack runs."""
    facts: dict[str, Any] = {
        "kernel": "6.8.0-45-generic",
        "stack_here": True,
        "memory_bytes": 32 * 10**9,
        "default_model": "LGAI-EXAONE/EXAONE-3.5-2.4B-Instruct",
        "min_free_bytes": 512 * 1024**2,
        "data_dir": "/home/me/tunedock/data",
        "store": StoreFacts(
            embedded=True,
            state="answers",
            address="127.0.0.1:40123",
            version="Valkey 9.1.2",
            durable=True,
            eviction="noeviction",
            memory_bytes=20 * 10**6,
            memory_limit_bytes=512 * 1024**2,
        ),
        "api": ApiFacts(url="http://127.0.0.1:8080", answers=True, ready=True, devices=(RTX_3050.name,)),
        "key": KeyFacts(path="/home/me/tunedock/data/api.key", accepted=True),
        "webhooks": WebhookFacts(looked_at=0),
        "card": CardFacts(
            cards=(RTX_3050,),
            nvidia_smi=ProgramCall(path="/usr/bin/nvidia-smi", exit_code=0),
            on_pci_bus=True,
            device_files=("/dev/nvidia0",),
            torch="2.13.0",
        ),
        "folders": tuple(
            folder(role) for role in ("repository", "data", "datasets", "models", "model-cache")
        ),
        "cache": CacheFacts(folder="/home/me/.cache/huggingface/hub", decided_by="default"),
    }
    return Facts(**facts | changed)


def on_wsl(**changed: Any) -> Facts:
    """The same under WSL 2, where the card is behind /dev/dxg."""
    card = healthy().card.model_copy(update={"on_pci_bus": False, "device_files": ("/dev/dxg",)})
    return healthy(**{"kernel": "6.6.87.2-microsoft-standard-WSL2", "wsl": True, "card": card} | changed)


def folder(role: FolderRole, storage: Storage = SSD, **changed: Any) -> Folder:
    settings = {"data": "TUNEDOCK_DATA_DIR", "datasets": "TUNEDOCK_DATASETS_DIR"}
    return Folder(
        **{"role": role, "path": storage.path, "setting": settings.get(role), "storage": storage} | changed
    )


def with_folder(facts: Facts, changed: Folder) -> Facts:
    kept = [one for one in facts.folders if one.role != changed.role]
    return facts.model_copy(update={"folders": (*kept, changed)})


def recorded_storage(table: str, path: str, device: str | None = None) -> Storage:
    """Where `path` lies on a machine whose mount table was recorded."""
    mount = find_mount(parse_mountinfo((MOUNT_TABLES / f"{table}.txt").read_text()), path, device)
    assert mount is not None
    return Storage(
        path=path,
        real_path=path,
        storage_class=classify(mount.filesystem),
        filesystem=mount.filesystem,
        mount_point=mount.mount_point,
        source=mount.source,
        options=mount.options,
        free_bytes=100 * 10**9,
    )


@dataclass(frozen=True)
class Told:
    """A finding as it is read in English."""

    id: str
    status: Status
    message: str
    remedy: str


def told(found: Finding) -> Told:
    remedy = in_english(found.remedy) if found.remedy else ""
    return Told(found.id, found.status, in_english(found.message), remedy)


def finding(facts: Facts, id: str) -> Told:
    """What the check `id` finds."""
    return next(told(found) for found in examine(facts) if found.id == id)
