"""Facts of a healthy model and of sick ones, for tests of checks and reports."""

from pathlib import Path
from typing import Any

from shared.messages.render import told
from shared.reports.finding import Finding, Remedy
from shared.reports.load_facts import LoadFacts, TrialLoad
from shared.reports.machine import DiskActivity, Latency, Memory, Rate, ReadSpeed
from shared.reports.model_files import Checkpoint, HubCache, WeightFile
from shared.reports.storage import BlockDevice, Storage

RECORDINGS = Path(__file__).parent / "recorded"
GB = 1_000_000_000
FOLDER = "/cache/hub/models--org--name/snapshots/abc"
SHARD = WeightFile(
    name="model.safetensors", format="safetensors", bytes=int(1.6 * GB), opened=True, tensors=100
)


def recorded(name: str) -> LoadFacts:
    return LoadFacts.model_validate_json((RECORDINGS / f"{name}.json").read_text())


def healthy(**changes: Any) -> LoadFacts:
    """0.8 B parameters in bfloat16 in the hub's cache on an NVMe disk, loaded cold at three quarters of its
    speed; `changes` as in `a__b=1` for field b of fact a."""
    facts = LoadFacts(
        model="org/name",
        measured_at=1_790_000_000.0,
        python="/srv/tunedock/.venv/bin/python",
        models_dir="/srv/tunedock/models",
        checkpoint=Checkpoint(
            folder=FOLDER,
            source="hub_cache",
            revision="abc",
            files=(SHARD,),
            parameters=800_000_000,
            dtype_parameters={"BF16": 800_000_000},
            bfloat16_bytes=int(1.6 * GB),
            nf4_bytes=int(0.5 * GB),
        ),
        cache=HubCache(folder="/cache/hub", decided_by="HF_HUB_CACHE", offline=True),
        storage=Storage(
            path="/cache/hub",
            real_path="/cache/hub",
            storage_class="local",
            filesystem="ext4",
            mount_point="/cache",
            source="/dev/nvme0n1p2",
            block_device=BlockDevice(
                name="nvme0n1p2",
                device="259:2",
                disks=("nvme0n1",),
                rotational=False,
                read_ahead_bytes=131_072,
            ),
        ),
        read_speed=speed(direct=3e9, buffered=2.5e9, mapped=2.2e9, latency=0.0001),
        disk_activity=DiskActivity(device="nvme0n1", window_seconds=1.0, busy_ratio=0.01, stalled_ratio=0.0),
        memory=Memory(total_bytes=32 * GB, available_bytes=24 * GB),
        locate_seconds=0.02,
        trial=trial(read=0.7, deserialize=0.2, quantize=0.4, move=0.1, resolve=0.2, rest=0.4),
        versions={"transformers": "5.23.0"},
    )
    return changed(facts, **changes)


def evidence_of(finding: Finding) -> list[str]:
    return [told(sentence) for sentence in finding.evidence]


def action_of(remedy: Remedy) -> str:
    return told(remedy.action)


def changed(facts: LoadFacts, **changes: Any) -> LoadFacts:
    for name, value in changes.items():
        outer, _, inner = name.partition("__")
        if inner:
            value = getattr(facts, outer).model_copy(update={inner: value})
        facts = facts.model_copy(update={outer: value})
    return facts


def speed(*, direct: float | None, buffered: float, mapped: float, latency: float) -> ReadSpeed:
    return ReadSpeed(
        direct=Rate(bytes_per_second=direct),
        buffered=Rate(bytes_per_second=buffered),
        mapped=Rate(bytes_per_second=mapped),
        warm=Rate(bytes_per_second=8e9),
        small=Latency(median_seconds=latency, p95_seconds=2 * latency, requests=200),
    )


def trial(
    cached_bytes_before: int | None = 0, weight_bytes: int = int(1.6 * GB), **phases: float
) -> TrialLoad:
    """A cold load whose phases take the seconds given."""
    return TrialLoad(
        source="trial",
        folder=FOLDER,
        device="cuda:0",
        total_seconds=sum(phases.values()),
        phase_seconds=phases,
        weight_bytes=weight_bytes,
        cold_wanted=True,
        cached_bytes_before=cached_bytes_before,
        cpu_seconds=sum(phases.values()),
    )
