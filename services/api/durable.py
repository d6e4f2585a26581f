"""Writing files so that they are whole and stay after a power loss, and knowing when the disk is full."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.errors import DiskFull

MIB = 1024**2


def write_durably(path: Path, content: bytes) -> None:
    """Write a new file through a draft: after a crash it is there whole, or not at all."""
    draft = path.with_name(f".{path.name}.draft")
    with draft.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
    fsync_folder(path.parent)


def fsync_folder(folder: Path) -> None:
    """Make the folder's list of names durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check_free_space(folder: Path, *, needed_bytes: int, reserve_bytes: int) -> None:
    """Raises `DiskFull` unless `needed_bytes` fit into the folder's disk and leave `reserve_bytes` free."""
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < needed_bytes + reserve_bytes:
        raise DiskFull(
            f"The data folder's disk has {free_bytes // MIB} MiB free; this needs {needed_bytes // MIB} MiB "
            f"and {reserve_bytes // MIB} MiB must stay free. Delete files or old jobs, or lower "
            "TUNEDOCK_MIN_FREE_BYTES."
        )


@contextmanager
def disk_full_refused() -> Iterator[None]:
    """A write that finds the disk or the quota full becomes `DiskFull`."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull("The data folder's disk is full. Delete files or old jobs.") from error
        raise
