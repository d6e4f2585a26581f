"""What an OSError says of a disk: it is full, or takes nothing for now for another reason, or neither."""

import errno

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)  # or the quota, or the filesystem's largest file
# Read-only after an error of its own, a cable, a drive or a network disk that went and may come back.
TAKES_NOTHING = (
    *FULL,
    errno.EROFS,
    errno.EIO,
    errno.EREMOTEIO,
    errno.ENODEV,
    errno.ENXIO,
    errno.ESTALE,
)


def is_full(error: OSError) -> bool:
    return error.errno in FULL


def takes_nothing(error: OSError) -> bool:
    """Whether the disk is at fault, for now or for good, and nothing that runs."""
    return error.errno in TAKES_NOTHING
