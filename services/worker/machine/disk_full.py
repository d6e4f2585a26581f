"""Whether an error means that a disk, a quota or the filesystem's largest file is full."""

import errno
import shutil
from pathlib import Path

from safetensors import SafetensorError

LEAST_ROOM_BYTES = 4 * 1024**2  # with less, what a process needs to write can't be written
DISK_IS_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def is_disk_full(error: OSError | SafetensorError) -> bool:
    """safetensors has the number of the error only in its text."""
    if isinstance(error, OSError):
        return error.errno in DISK_IS_FULL
    return any(f"os error {number}" in str(error) for number in DISK_IS_FULL)


def takes_nothing(error: OSError | SafetensorError) -> bool:
    """Whether the disk is full or may only be read: both may pass, and nothing that runs is at fault."""
    return is_disk_full(error) or (isinstance(error, OSError) and error.errno == errno.EROFS)


def has_no_room(folder: Path) -> bool:
    """Whether the disk of `folder` is as good as full now."""
    try:
        return shutil.disk_usage(folder).free < LEAST_ROOM_BYTES
    except OSError:
        return False
