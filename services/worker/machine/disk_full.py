"""Whether an error means that a disk, a quota or the filesystem's largest file is full."""

import errno

from safetensors import SafetensorError

DISK_IS_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def is_disk_full(error: OSError | SafetensorError) -> bool:
    """safetensors has the number of the error only in its text."""
    if isinstance(error, OSError):
        return error.errno in DISK_IS_FULL
    return any(f"os error {number}" in str(error) for number in DISK_IS_FULL)
