"""Causes that no test machine has: the reference case, with recorded mounts, groups and counters put in."""

from dataclasses import dataclass
from pathlib import Path

from services.worker.machine.resources import read_memory
from shared.reports.load_facts import LoadFacts, TrialLoad
from shared.reports.machine import Memory, Pressure
from shared.reports.storage import Storage
from shared.storage import storage_of
from tests.worker.diagnosis.diagnosed import changed, recorded, speed
from tests.worker.machine.test_machine import CGROUP2, GIB, write

MOUNTS = Path(__file__).parents[2] / "shared/mountinfo"
MODEL = "hub/models--LGAI-EXAONE--EXAONE-3.5-2.4B-Instruct"
# Large reads, mapped reads (bytes a second) and the latency of a small one: published for 9p under WSL 2, and
# what a line of one gigabit a second carries.
HOST_SHARE, GIGABIT = (120e6, 60e6, 0.0009), (112e6, 40e6, 0.0012)


@dataclass(frozen=True)
class RecordedCause:
    """`finding` is the id that must come first, with `says` in its text."""

    name: str
    finding: str
    facts: LoadFacts
    says: str


def causes(scratch: Path) -> list[RecordedCause]:
    """All of them; `scratch` is an empty folder for recorded files."""
    return [
        _mounted("9p under WSL 2", "wsl2_9p", f"/mnt/c/Users/me/{MODEL}", HOST_SHARE, scratch, "WSL2"),
        _mounted("drvfs under WSL 1", "wsl1_drvfs", f"/mnt/d/{MODEL}", HOST_SHARE, scratch, "drvfs"),
        _mounted("virtiofs", "wsl2_virtiofs", f"/mnt/c/{MODEL}", HOST_SHARE, scratch, "virtiofs"),
        _mounted(
            "a share of Docker Desktop", "docker_desktop_macos", "/models/x", HOST_SHARE, scratch, "volume"
        ),
        _mounted("NFS", "nfs", f"/srv/models/{MODEL}", GIGABIT, scratch, "nfs4"),
        _mounted("CIFS", "cifs", f"/mnt/team share/{MODEL}", GIGABIT, scratch, "cifs"),
        _mounted("SSH by FUSE", "sshfs", f"/home/me/remote/{MODEL}", GIGABIT, scratch, "fuse.sshfs"),
        _mounted("another FUSE", "ntfs_3g", f"/media/usb/{MODEL}", GIGABIT, scratch, "FUSE"),
        RecordedCause(
            "a container's memory, control groups 2",
            "short-memory",
            changed(_fast(), memory=_small_container(scratch)),
            "This container may use 4.29 GB",
        ),
        RecordedCause("swapping", "swapping", changed(_fast(), memory=_SWAPPED, pressure=_PRESSURE), "swap"),
        RecordedCause(
            "Python's environment on 9p",
            "slow-environment",
            changed(
                _fast(),
                environment=_storage("wsl2_9p", "/mnt/c/tunedock/.venv", scratch),
                trial=_slow_imports(),
            ),
            "opens thousands of small files",
        ),
    ]


_SWAPPED = Memory(
    total_bytes=16 * GIB, available_bytes=13 * GIB, swap_total_bytes=8 * GIB, swap_free_bytes=5 * GIB
)
_PRESSURE = Pressure(seconds=60.0, swapped_in_bytes=2 * GIB, memory_stalled_ratio=0.4)


def _reference() -> LoadFacts:
    """Two float32 shards of EXAONE on a hard disk, without what else was found there."""
    return changed(recorded("exaone_float32_on_a_hard_disk"), trial=None, cache__variables=())


def _fast() -> LoadFacts:
    """The same files on a disk that leaves nothing to wait for."""
    return changed(_reference(), read_speed=speed(direct=6e9, buffered=5e9, mapped=5e9, latency=0.0001))


def _mounted(
    name: str, recording: str, path: str, rates: tuple[float, float, float], scratch: Path, says: str
) -> RecordedCause:
    large, mapped, latency = rates
    facts = changed(
        _reference(),
        storage=_storage(recording, path, scratch),
        read_speed=speed(direct=None, buffered=large, mapped=mapped, latency=latency),
    )
    return RecordedCause(name, "slow-mount", facts, says)


def _storage(recording: str, path: str, scratch: Path) -> Storage:
    proc = scratch / recording
    write(proc, {"self/mountinfo": (MOUNTS / f"{recording}.txt").read_text()})
    return storage_of(Path(path), proc=proc, sys=scratch / "no-sys")


def _small_container(scratch: Path) -> Memory:
    root = scratch / "container"
    write(
        root,
        {
            "proc/meminfo": "MemTotal: 33554432 kB\nMemAvailable: 25165824 kB\n",
            "proc/self/cgroup": "0::/\n",
            "proc/self/mountinfo": CGROUP2,
            "sys/fs/cgroup/memory.max": str(4 * GIB),
            "sys/fs/cgroup/memory.current": str(GIB),
            "sys/fs/cgroup/memory.stat": "anon 1\nfile 0\n",
        },
    )
    return read_memory(root)


def _slow_imports() -> TrialLoad:
    trial = recorded("exaone_float32_on_a_hard_disk").trial
    assert trial is not None
    phases = {"resolve": 4.0, "read": 2.0, "deserialize": 0.5, "quantize": 1.0, "move": 0.5, "rest": 25.0}
    return trial.model_copy(update={"phase_seconds": phases, "total_seconds": sum(phases.values())})
