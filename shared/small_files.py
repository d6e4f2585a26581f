"""Small files that anybody may have put there: read where they are regular files and not too long."""

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

MOST_BYTES = 64 * 1024**2  # of a spec, whose request may have long settings; a mark or a copy has some kB


def open_regular(path: Path) -> BinaryIO:
    """For reading. Raises OSError, and ValueError for a device or a pipe, whose writer nobody waits for."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    kind = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(kind):
        os.close(descriptor)
        if stat.S_ISDIR(kind):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        raise ValueError(f"{path} is no regular file")
    return os.fdopen(descriptor, "rb")


def read_small(path: Path, *, most_bytes: int = MOST_BYTES) -> bytes:
    """Raises OSError, and ValueError for a device, a pipe, a folder or a file that is longer than allowed."""
    with open_regular(path) as stream:
        if os.fstat(stream.fileno()).st_size > most_bytes:
            raise ValueError(f"{path} is longer than {most_bytes} bytes")
        return stream.read(most_bytes)
