"""Whether an error of the system or of safetensors means that a disk is full, or takes nothing for now."""

import shutil
from pathlib import Path

from safetensors import SafetensorError

from shared import disk_errors

LEAST_ROOM_BYTES = 4 * 1024**2  # with less, what a process needs to write can't be written


def is_disk_full(error: OSError | SafetensorError) -> bool:
    return _has_number(error, disk_errors.FULL)


def takes_nothing(error: OSError | SafetensorError) -> bool:
    """Whether the disk is full, may only be read, or fails: it may pass, and no job is at fault."""
    return _has_number(error, disk_errors.TAKES_NOTHING)


def has_no_room(folder: Path) -> bool:
    """Whether the disk of `folder` is as good as full now."""
    try:
        return shutil.disk_usage(folder).free < LEAST_ROOM_BYTES
    except OSError:
        return False


def _has_number(error: OSError | SafetensorError, numbers: tuple[int, ...]) -> bool:
    """safetensors has the number of the error only in its text."""
    if isinstance(error, OSError):
        return error.errno in numbers
    return any(f"(os error {number})" in str(error) for number in numbers)
