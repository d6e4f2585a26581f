"""Refusing what the data folder's disk has no room for."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.errors import DiskFull
from shared.messages.message import say


def check_free_space(folder: Path, *, needed_bytes: int, reserve_bytes: int) -> None:
    """Raises `DiskFull` unless `needed_bytes` fit into the folder's disk and leave `reserve_bytes` free."""
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < needed_bytes + reserve_bytes:
        raise DiskFull(
            say(
                "too-little-free-space",
                free_bytes=free_bytes,
                needed_bytes=needed_bytes,
                reserve_bytes=reserve_bytes,
            )
        )


@contextmanager
def disk_full_refused() -> Iterator[None]:
    """A write that finds the disk or the quota full, or may not write at all, becomes `DiskFull`."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(say("data-disk-full")) from error
        if error.errno == errno.EROFS:
            raise DiskFull(say("data-disk-read-only")) from error
        raise
