"""Room for the files that prometheus_client maps into memory, taken before it does.

It makes sparse files and writes to them through the mapping: on a disk that is full the kernel ends such a
writer with SIGBUS. Blocks that are allocated beforehand can always be written.
"""

import os
from collections.abc import Iterable
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"


def take_room(paths: Iterable[Path], size_bytes: int) -> None:
    """Allocate `size_bytes` for each file; what one has already stays. Raises OSError, and none is left."""
    paths = list(paths)
    try:
        for path in paths:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, size_bytes)
            finally:
                os.close(descriptor)
    except OSError:
        for path in paths:
            path.unlink(missing_ok=True)
        raise
