"""Refusing what the data folder's disk has no room for."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.errors import DiskFull

MIB = 1024**2


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
