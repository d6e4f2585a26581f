"""Small files that anybody may have put there: read where they are regular files and not too long."""

import os
import stat
from pathlib import Path

MOST_BYTES = 64 * 1024**2  # of a spec, whose request may have long settings; a mark or a copy has some kB


def read_small(path: Path, *, most_bytes: int = MOST_BYTES) -> bytes:
    """Raises OSError, and ValueError for a device, a pipe, a folder or a file that is longer than allowed."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe would wait for its writer
    with os.fdopen(descriptor, "rb") as stream:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size > most_bytes:
            raise ValueError(f"{path} is no regular file of at most {most_bytes} bytes")
        return stream.read(most_bytes)
