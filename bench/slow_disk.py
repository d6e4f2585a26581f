"""A disk of its own for a benchmark, as slow as wanted: ext4 on a loop device that the kernel throttles.

Needs root and control groups that throttle (version 1, `blkio`). The file behind the disk is read directly,
past the machine's page cache, so that no second cache stands between the throttle and the bytes.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_BLKIO = Path("/sys/fs/cgroup/blkio")


class NoSlowDisk(Exception):
    """Why no disk can be throttled here."""


@dataclass(frozen=True)
class Throttle:
    """Limits of reads; None: no limit of that kind."""

    name: str
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
        group = _BLKIO / f"tunedock-bench-{os.getpid()}"
        group.mkdir(exist_ok=True)
        try:
            for file, value in (
                ("read_bps_device", throttle.bytes_per_second),
                ("read_iops_device", throttle.reads_per_second),
            ):
                (group / f"blkio.throttle.{file}").write_text(f"{self.number} {value or 0}")
            yield group / "cgroup.procs"
        finally:
            group.rmdir()


@contextmanager
def slow_disk(folder: Path, size_bytes: int) -> Iterator[SlowDisk]:
    """Make a disk of `size_bytes` (sparse) in `folder` and mount it there. Raises NoSlowDisk."""
    if os.geteuid() != 0:
        raise NoSlowDisk("only root can mount and throttle a loop device")
    if not (_BLKIO / "blkio.throttle.read_bps_device").exists():
        raise NoSlowDisk(f"no control group that throttles disks at {_BLKIO}")
    image, mounted = folder / "disk.img", folder / "disk"
    mounted.mkdir(parents=True, exist_ok=True)
    with image.open("wb") as file:
        file.truncate(size_bytes)
    device = None
    try:
        _run("mkfs.ext4", "-q", "-E", "lazy_itable_init=1,lazy_journal_init=1", str(image))
        device = _run("losetup", "--direct-io=on", "--find", "--show", str(image))
        _run("mount", "-o", "noatime", device, str(mounted))
        number = Path(device).stat().st_rdev
        yield SlowDisk(mounted, f"{os.major(number)}:{os.minor(number)}")
    finally:
        subprocess.run(["umount", str(mounted)], capture_output=True, check=False)
        if device:
            subprocess.run(["losetup", "--detach", device], capture_output=True, check=False)
        image.unlink(missing_ok=True)


def _run(*command: str) -> str:
    try:
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise NoSlowDisk(f"{command[0]} is not installed") from error
    except subprocess.CalledProcessError as error:
        raise NoSlowDisk(f"{' '.join(command)}: {error.stderr.strip()}") from error
    return done.stdout.strip()
