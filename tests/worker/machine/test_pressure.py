"""What holds a load up, by the kernel's counters: recorded machines of both control groups, and this one."""

import mmap
from pathlib import Path

import pytest

from services.worker.machine.pressure import PressureWatch, processor_limit
from tests.worker.machine.test_machine import CGROUP2, write

CGROUP1 = "36 31 0:33 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
STALLED = "some avg10=0.00 avg60=0.00 avg300=0.00 total={}\nfull avg10=0.00 total=0\n"


def machine(root: Path, membership: str, mounts: str, **files: str) -> Path:
    return write(root, {"proc/self/cgroup": membership, "proc/self/mountinfo": mounts, **files})


def test_swap_and_waiting_are_what_grew_meanwhile(tmp_path: Path) -> None:
    machine(tmp_path, "0::/\n", CGROUP2)
    write(tmp_path, {"proc/vmstat": "pswpin 10\npswpout 3\n", "proc/pressure/memory": STALLED.format(0)})
    watch = PressureWatch(tmp_path)
    write(
        tmp_path, {"proc/vmstat": "pswpin 1010\npswpout 3\n", "proc/pressure/memory": STALLED.format(10**12)}
    )
    pressure = watch.read()
    assert pressure.swapped_in_bytes == 1000 * mmap.PAGESIZE
    assert pressure.memory_stalled_ratio == 1.0
    assert (pressure.processor_limit, pressure.processor_throttled_ratio) == (None, None)


@pytest.mark.parametrize(
    ("membership", "mounts", "folder", "limit"),
    [
        ("0::/job\n", CGROUP2, "sys/fs/cgroup/job", {"cpu.max": "50000 100000\n"}),
        (
            "3:cpu,cpuacct:/job\n",
            CGROUP1,
            "sys/fs/cgroup/cpu,cpuacct/job",
            {"cpu.cfs_quota_us": "50000\n", "cpu.cfs_period_us": "100000\n"},
        ),
    ],
    ids=["version 2", "version 1"],
)
def test_a_limit_of_processors_shows_how_often_it_stopped_the_group(
    tmp_path: Path, membership: str, mounts: str, folder: str, limit: dict[str, str]
) -> None:
    machine(tmp_path, membership, mounts)
    write(tmp_path / folder, {**limit, "cpu.stat": "nr_periods 100\nnr_throttled 10\n"})
    watch = PressureWatch(tmp_path)
    write(tmp_path / folder, {"cpu.stat": "nr_periods 200\nnr_throttled 90\n"})
    pressure = watch.read()
    assert (pressure.processor_limit, pressure.processor_throttled_ratio) == (0.5, 0.8)


def test_the_smallest_limit_of_the_groups_around_counts(tmp_path: Path) -> None:
    machine(tmp_path, "0::/pod/job\n", CGROUP2)
    groups = {"pod/cpu.max": "150000 100000", "pod/job/cpu.max": "max 100000"}
    write(tmp_path / "sys/fs/cgroup", groups)
    assert processor_limit(tmp_path) == 1.5


@pytest.mark.parametrize("text", ["", "max 100000", "5 0", "five six", "-1 100000"])
def test_a_word_for_no_limit_is_none(tmp_path: Path, text: str) -> None:
    machine(tmp_path, "0::/\n", CGROUP2, **{"sys/fs/cgroup/cpu.max": text})
    assert processor_limit(tmp_path) is None


def test_a_machine_without_proc_shows_nothing(tmp_path: Path) -> None:
    pressure = PressureWatch(tmp_path).read()
    assert pressure.model_dump(exclude={"seconds"}, exclude_none=True) == {}


def test_this_machine_has_not_swapped_less_than_nothing() -> None:
    pressure = PressureWatch().read()
    assert (pressure.swapped_in_bytes or 0) >= 0
    assert pressure.seconds >= 0
