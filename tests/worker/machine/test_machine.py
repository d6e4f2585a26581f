"""Memory limits and disk activity: recorded machines of every kind of control group, and this one."""

from pathlib import Path

import pytest

from services.worker.machine.resources import (
    DiskCounters,
    disk_that_read,
    read_disk_counters,
    read_memory,
    watch_disk,
)
from shared.messages.message import say
from shared.reports.machine import Memory

GIB = 1024**3
MEMINFO = (
    "MemTotal: 16777216 kB\nMemAvailable: 8388608 kB\nHugePages_Total: 0\n"
    "SwapTotal: 4194304 kB\nSwapFree: 4194304 kB\n"
)
CGROUP2 = "31 23 0:28 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
CGROUP1 = (
    "34 31 0:31 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
    "35 31 0:32 {root} /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
)


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def machine(root: Path, membership: str, mounts: str, **groups: str) -> Memory:
    """A machine with 16 GiB, 8 of them available, and files of control groups."""
    files = {"proc/meminfo": MEMINFO, "proc/self/cgroup": membership, "proc/self/mountinfo": mounts}
    return read_memory(write(root, files | {f"sys/fs/cgroup/{name}": text for name, text in groups.items()}))


def test_without_a_limit_memory_is_what_is_available(tmp_path: Path) -> None:
    memory = machine(tmp_path, "0::/\n", CGROUP2)
    assert (memory.total_bytes, memory.available_bytes, memory.usable_bytes) == (16 * GIB, 8 * GIB, 8 * GIB)
    assert (memory.swap_total_bytes, memory.swap_free_bytes, memory.cgroup_limit_bytes) == (
        4 * GIB,
        4 * GIB,
        None,
    )


def test_a_container_of_version_2_is_limited_by_its_root_group(tmp_path: Path) -> None:
    memory = machine(
        tmp_path,
        "0::/\n",
        CGROUP2,
        **{
            "memory.max": f"{4 * GIB}\n",
            "memory.current": f"{3 * GIB}\n",
            "memory.stat": f"anon 1\nfile {2 * GIB}\n",
        },
    )
    assert (memory.cgroup_limit_bytes, memory.cgroup_used_bytes) == (4 * GIB, GIB)
    assert memory.usable_bytes == 3 * GIB


def test_the_smallest_limit_of_the_groups_around_counts(tmp_path: Path) -> None:
    memory = machine(
        tmp_path,
        "0::/user.slice/job.scope\n",
        CGROUP2,
        **{
            "user.slice/memory.max": str(2 * GIB),
            "user.slice/memory.current": "0",
            "user.slice/job.scope/memory.max": "max",
        },
    )
    assert (memory.cgroup_limit_bytes, memory.usable_bytes) == (2 * GIB, 2 * GIB)


def test_a_container_of_version_1_on_the_hosts_path_is_limited(tmp_path: Path) -> None:
    memory = machine(
        tmp_path,
        "9:cpuset:/docker/abc\n4:memory:/docker/abc\n0::/\n",
        CGROUP1.format(root="/docker/abc"),
        **{
            "memory/memory.limit_in_bytes": str(6 * GIB),
            "memory/memory.usage_in_bytes": str(5 * GIB),
            "memory/memory.stat": f"cache 1\ntotal_cache {GIB}\n",
        },
    )
    assert (memory.cgroup_limit_bytes, memory.cgroup_used_bytes) == (6 * GIB, 4 * GIB)
    assert memory.usable_bytes == 2 * GIB


def test_version_1s_word_for_no_limit_is_no_limit(tmp_path: Path) -> None:
    memory = machine(
        tmp_path,
        "4:memory:/job\n",
        CGROUP1.format(root="/"),
        **{"memory/job/memory.limit_in_bytes": "9223372036854771712"},
    )
    assert (memory.cgroup_limit_bytes, memory.usable_bytes) == (None, 8 * GIB)


def test_a_limit_above_what_is_available_does_not_raise_it(tmp_path: Path) -> None:
    memory = machine(tmp_path, "0::/\n", CGROUP2, **{"memory.max": str(12 * GIB), "memory.current": "0"})
    assert (memory.cgroup_limit_bytes, memory.usable_bytes) == (12 * GIB, 8 * GIB)


def test_a_machine_without_proc_has_unknown_memory_with_reasons(tmp_path: Path) -> None:
    memory = read_memory(tmp_path)
    assert memory.usable_bytes is None
    assert set(memory.unknown) == {"total_bytes", "cgroup_limit_bytes"}


def test_this_machines_memory_is_within_itself() -> None:
    memory = read_memory()
    assert memory.unknown == {}
    assert memory.total_bytes is not None
    assert memory.usable_bytes is not None
    assert 0 < memory.usable_bytes <= memory.total_bytes


def stats_line(name: str, read_sectors: int, written_sectors: int, busy_milliseconds: int) -> str:
    counters = f"10 0 {read_sectors} 1 20 0 {written_sectors} 2 0 {busy_milliseconds} 3 0 0 0 0"
    return f"   8       0 {name} {counters}\n"


def test_a_busy_disk_is_seen_in_a_window(tmp_path: Path) -> None:
    before = {
        "proc/diskstats": stats_line("sda", 1000, 500, 2000),
        "proc/pressure/io": "some avg10=0.00 avg60=0.00 avg300=0.00 total=1000000\nfull total=0\n",
    }
    after = {
        "proc/diskstats": stats_line("sda", 3000, 500, 2500),
        "proc/pressure/io": "some avg10=1.00 avg60=0.00 avg300=0.00 total=1500000\nfull total=0\n",
    }

    def time_passes(_: float) -> None:
        write(tmp_path, after)

    write(tmp_path, before)
    activity = watch_disk("sda", 1.0, root=tmp_path, sleep=time_passes)
    window = activity.window_seconds
    assert activity.busy_ratio == min(1.0, 0.5 / window)
    assert activity.read_bytes_per_second == pytest.approx(2000 * 512 / window)
    assert activity.written_bytes_per_second == 0
    assert activity.stalled_ratio == pytest.approx(0.5 / window)


def test_a_disk_that_has_no_counters_is_unknown(tmp_path: Path) -> None:
    activity = watch_disk("sdz", 0.0, root=tmp_path)
    assert (activity.busy_ratio, activity.stalled_ratio) == (None, None)
    assert activity.unknown == {"busy_ratio": say("disk-not-counted-piece", disk="sdz")}
    assert watch_disk(None, 0.0, root=tmp_path).unknown == {"busy_ratio": say("disk-unknown-piece")}


def test_this_machines_counters_never_fall() -> None:
    first = read_disk_counters()
    second = read_disk_counters()
    assert first
    assert all(second[name].read_bytes >= counters.read_bytes for name, counters in first.items())


def test_the_disk_behind_is_the_one_that_read_most() -> None:
    def counters(**read: int) -> dict[str, DiskCounters]:
        return {
            name: DiskCounters(read_bytes=count, written_bytes=0, busy_seconds=0)
            for name, count in read.items()
        }

    before = counters(sda=5, sda1=5, sdb=0)
    assert disk_that_read(before, counters(sda=105, sda1=105, sdb=50), 100) == "sda"
    assert disk_that_read(before, counters(sda=104, sda1=104, sdb=50), 100) is None
    assert disk_that_read(before, before, 0) is None
