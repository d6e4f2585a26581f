"""A small filesystem of its own for tests of full disks; mounting one takes root."""

import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MIB = 1024**2
MS_RDONLY, MS_REMOUNT = 1, 32
_libc = ctypes.CDLL(None, use_errno=True)


def may_mount() -> bool:
    return os.geteuid() == 0


@contextmanager
def small_disk(folder: Path, size_bytes: int) -> Iterator[None]:
    """A tmpfs of `size_bytes` on `folder`, which hides what is in it; gone at the end with all it holds."""
    folder.mkdir(parents=True, exist_ok=True)
    _mount(folder, f"size={size_bytes}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def resize(folder: Path, size_bytes: int) -> None:
    """Raises OSError when more is in it."""
    _mount(folder, f"size={size_bytes}", MS_REMOUNT)


def make_read_only(folder: Path) -> None:
    _mount(folder, "", MS_REMOUNT | MS_RDONLY)


def fill_up(folder: Path) -> None:
    """Leave no room at all, at once: the disk becomes as small as what is in it."""
    while True:
        with suppress(OSError):  # it has grown meanwhile
            return resize(folder, max(4096, shutil.disk_usage(folder).used))


def no_more_files(folder: Path) -> None:
    """Leave no room for one more file, not even an empty one."""
    disk = os.statvfs(folder)
    _mount(folder, f"nr_inodes={disk.f_files - disk.f_ffree}", MS_REMOUNT)


def _mount(folder: Path, options: str, flags: int = 0) -> None:
    if _libc.mount(b"tmpfs", os.fsencode(folder), b"tmpfs", flags, options.encode()) != 0:
        raise OSError(ctypes.get_errno(), f"mount: {options} {os.strerror(ctypes.get_errno())}", str(folder))
