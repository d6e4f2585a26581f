"""What the machine has for a load: memory and its limits, and what else its disks are doing."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from shared.messages.message import say
from shared.reports.machine import DiskActivity, Memory
from shared.schemas.frozen import Frozen
from shared.storage import Mount, Reasons, parse_mountinfo

_SECTOR_BYTES = 512  # of /proc/diskstats, whatever the device's own sectors are


class DiskCounters(Frozen):
    """One line of /proc/diskstats since boot."""

    read_bytes: int
    written_bytes: int
    busy_seconds: float


def read_memory(root: Path = Path("/")) -> Memory:
    """Memory and limits of this process; `root` is another machine's recorded /proc and /sys."""
    unknown: Reasons = {}
    try:
        amounts = _meminfo((root / "proc/meminfo").read_text())
    except (OSError, ValueError, IndexError) as error:
        amounts, unknown = {}, {"total_bytes": say("meminfo-unreadable-piece", error=str(error))}
    limit, used = _cgroup_memory(root, amounts.get("MemTotal"), unknown)
    return Memory(
        total_bytes=amounts.get("MemTotal"),
        available_bytes=amounts.get("MemAvailable"),
        swap_total_bytes=amounts.get("SwapTotal"),
        swap_free_bytes=amounts.get("SwapFree"),
        cgroup_limit_bytes=limit,
        cgroup_used_bytes=used,
        unknown=unknown,
    )


def read_disk_counters(root: Path = Path("/")) -> dict[str, DiskCounters]:
    """Counters of every block device; empty where the kernel shows none."""
    try:
        lines = (root / "proc/diskstats").read_text().splitlines()
    except OSError:
        return {}
    rows = [line.split() for line in lines]
    return {
        row[2]: DiskCounters(
            read_bytes=int(row[5]) * _SECTOR_BYTES,
            written_bytes=int(row[9]) * _SECTOR_BYTES,
            busy_seconds=int(row[12]) / 1000,
        )
        for row in rows
        if len(row) >= 14
    }


def disk_that_read(
    before: dict[str, DiskCounters], after: dict[str, DiskCounters], at_least_bytes: int
) -> str | None:
    """The device that read most between two looks, if that was `at_least_bytes`.

    Finds the disk behind filesystems that name none (overlay, btrfs, FUSE). Partitions count like their disk,
    whose name is the shorter one.
    """
    moved = {
        name: counters.read_bytes - before[name].read_bytes
        for name, counters in after.items()
        if name in before
    }
    most = max(moved.values(), default=0)
    if most == 0 or most < at_least_bytes:
        return None
    return min((name for name, count in moved.items() if count == most), key=len)


def watch_disk(
    device: str | None, seconds: float, *, root: Path = Path("/"), sleep: Callable[[float], None] = time.sleep
) -> DiskActivity:
    """What `device` (a name such as sda) does for others during `seconds` of our own silence."""
    first, first_stall, started = read_disk_counters(root), waited_seconds("io", root), time.perf_counter()
    sleep(seconds)
    second, second_stall, window = (
        read_disk_counters(root),
        waited_seconds("io", root),
        time.perf_counter() - started,
    )
    stalled = None if first_stall is None or second_stall is None else (second_stall - first_stall) / window
    if device is None or device not in first or device not in second:
        reason = say("disk-unknown-piece") if device is None else say("disk-not-counted-piece", disk=device)
        return DiskActivity(
            device=device, window_seconds=window, stalled_ratio=stalled, unknown={"busy_ratio": reason}
        )
    before, after = first[device], second[device]
    return DiskActivity(
        device=device,
        window_seconds=window,
        busy_ratio=min(1.0, (after.busy_seconds - before.busy_seconds) / window),
        read_bytes_per_second=(after.read_bytes - before.read_bytes) / window,
        written_bytes_per_second=(after.written_bytes - before.written_bytes) / window,
        stalled_ratio=stalled,
    )


def _meminfo(text: str) -> dict[str, int]:
    rows = (line.split() for line in text.splitlines() if line.endswith(" kB"))
    return {row[0].rstrip(":"): int(row[1]) * 1024 for row in rows}


def _cgroup_memory(root: Path, total_bytes: int | None, unknown: Reasons) -> tuple[int | None, int | None]:
    try:
        folders = _read_group_folders("memory", root)
    except OSError as error:
        unknown["cgroup_limit_bytes"] = say("groups-unreadable-piece", error=error.strerror)
        return None, None
    groups = [
        (limit, used)
        for folder in folders
        for limit, used in [_limit_and_use(folder)]
        if limit is not None and (total_bytes is None or limit < total_bytes)
    ]
    return min(groups, key=lambda group: group[0], default=(None, None))


def group_folders(controller: str, root: Path = Path("/")) -> list[Path]:
    """Folders of the control groups this process is in, innermost first; none where they can't be read."""
    try:
        return _read_group_folders(controller, root)
    except OSError:
        return []


def _read_group_folders(controller: str, root: Path) -> list[Path]:
    membership = (root / "proc/self/cgroup").read_text().splitlines()
    mounts = parse_mountinfo((root / "proc/self/mountinfo").read_text(errors="surrogateescape"))
    return [folder for line in membership for folder in _folders_of(line, controller, mounts, root)]


def _folders_of(membership: str, controller: str, mounts: list[Mount], root: Path) -> list[Path]:
    """Folders of the group that `membership` (a line of /proc/self/cgroup) names, and of those around it."""
    _, controllers, path = membership.split(":", 2)
    for mount in mounts:
        second = mount.filesystem == "cgroup2" and controllers == ""
        first = (
            mount.filesystem == "cgroup"
            and controller in controllers.split(",")
            and controller in mount.options
        )
        if not (first or second):
            continue
        top = root / mount.mount_point.lstrip("/")
        # In a container without its own namespace the path is the host's, of which the mount shows a part.
        inside = path.removeprefix(mount.root if mount.root != "/" else "").strip("/")
        folder = top / inside
        return [folder, *(parent for parent in folder.parents if parent.is_relative_to(top))]
    return []


def _limit_and_use(folder: Path) -> tuple[int | None, int | None]:
    for limit_name, used_name, files_name in (
        ("memory.max", "memory.current", "file"),
        ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_cache"),
    ):
        limit, used = _read_number(folder / limit_name), _read_number(folder / used_name)
        if limit is not None:
            return limit, None if used is None else max(0, used - _statistic(folder, files_name))
    return None, None


def _statistic(folder: Path, name: str) -> int:
    try:
        rows = [line.split() for line in (folder / "memory.stat").read_text().splitlines()]
    except OSError:
        return 0
    return next((int(row[1]) for row in rows if row[0] == name), 0)


def _read_number(path: Path) -> int | None:
    try:
        text = path.read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None


def waited_seconds(what: Literal["io", "cpu", "memory"], root: Path = Path("/")) -> float | None:
    """Seconds since boot in which some task waited for a disk, a processor or memory."""
    try:
        first = (root / "proc/pressure" / what).read_text().splitlines()[0]
        return int(first.rpartition("total=")[2]) / 1e6
    except (OSError, ValueError, IndexError):
        return None
