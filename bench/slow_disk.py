"""A disk of its own for a benchmark, as slow as wanted: ext4 on a loop device that the kernel throttles.

Needs root and control groups that throttle (version 1, `blkio`). The file behind the disk is read directly,
past the machine's page cache, so that no second cache stands between the throttle and the bytes.
"""

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_BLKIO = Path("/sys/fs/cgroup/blkio")
_GROUP = "tunedock-bench-"
_IMAGE, _MOUNTED = "disk.img", "disk"


class NoSlowDisk(Exception):
    """Why no disk can be throttled here."""


@dataclass(frozen=True)
class Throttle:
    """Limits of reads; None: no limit of that kind."""

    bytes_per_second: int | None = None
    reads_per_second: int | None = None


@dataclass(frozen=True)
class SlowDisk:
    """`folder` is mounted from a loop device; `number` is its major:minor."""

    folder: Path
    number: str

    @contextmanager
    def throttled(self, throttle: Throttle) -> Iterator[Path]:
        """A control group for processes that read this disk at `throttle`; yields its `cgroup.procs`."""
        group = _BLKIO / f"{_GROUP}{os.getpid()}"
        group.mkdir(exist_ok=True)
        try:
            for file, value in (
                ("read_bps_device", throttle.bytes_per_second),
                ("read_iops_device", throttle.reads_per_second),
            ):
                (group / f"blkio.throttle.{file}").write_text(f"{self.number} {value or 0}")
            yield group / "cgroup.procs"
        finally:
            _remove_group(group)


@contextmanager
def slow_disk(folder: Path, size_bytes: int) -> Iterator[SlowDisk]:
    """Make a disk of `size_bytes` (sparse) in `folder` and mount it there. Raises NoSlowDisk."""
    if os.geteuid() != 0:
        raise NoSlowDisk("only root can mount and throttle a loop device")
    if not (_BLKIO / "blkio.throttle.read_bps_device").exists():
        raise NoSlowDisk(f"no control group that throttles disks at {_BLKIO}")
    image, mounted = folder / _IMAGE, folder / _MOUNTED
    mounted.mkdir(parents=True, exist_ok=True)
    with image.open("wb") as file:
        file.truncate(size_bytes)
    try:
        _run("mkfs.ext4", "-q", "-m", "0", "-E", "lazy_itable_init=1,lazy_journal_init=1", str(image))
        device = _run("losetup", "--direct-io=on", "--find", "--show", str(image))
        _run("mount", "-o", "noatime", device, str(mounted))
        number = Path(device).stat().st_rdev
        yield SlowDisk(mounted, f"{os.major(number)}:{os.minor(number)}")
    finally:
        remove_disk(folder)


def remove_disk(folder: Path) -> None:
    """Take away the disk that `slow_disk` made in `folder`, if there is one: mount, loop device and file."""
    image, mounted = folder / _IMAGE, folder / _MOUNTED
    if mounted.is_mount():
        with suppress(NoSlowDisk):
            _run("umount", str(mounted))
    if mounted.is_mount():  # somebody looks into it
        with suppress(NoSlowDisk):
            _run("umount", "--lazy", str(mounted))
    if image.exists():
        with suppress(NoSlowDisk):
            listed = _run("losetup", "--noheadings", "--output", "NAME", "--associated", str(image))
            for device in listed.split():
                _run("losetup", "--detach", device)
        image.unlink()


def _remove_group(group: Path) -> None:
    """A process killed a moment ago may still be counted in; what stays is the next benchmark's to remove."""
    for _ in range(100):
        with suppress(OSError):
            group.rmdir()
            return
        time.sleep(0.05)


def remove_dead_groups() -> None:
    """Take away the control groups of processes that were killed before they could."""
    for group in _BLKIO.glob(f"{_GROUP}*"):
        if not Path(f"/proc/{group.name.removeprefix(_GROUP)}").exists():
            with suppress(OSError):
                group.rmdir()


def _run(*command: str) -> str:
    try:
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise NoSlowDisk(f"{command[0]} is not installed") from error
    except subprocess.CalledProcessError as error:
        raise NoSlowDisk(f"{' '.join(command)}: {error.stderr.strip()}") from error
    return done.stdout.strip()
