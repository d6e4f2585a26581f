"""A folder that somebody writes is locked: the system drops the lock when its writer dies.

An age by the clock proves nothing alone: the clock of a laptop or a virtual machine that slept jumps, and
every file looks hours old at once.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def lock_for_writing(folder: Path) -> int:
    """The descriptor that holds a new folder until it is closed; a rename keeps the lock. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


@contextmanager
def writer_lock(folder: Path) -> Iterator[None]:
    """Hold a new folder, which may be renamed or removed meanwhile. Raises OSError."""
    descriptor = lock_for_writing(folder)
    try:
        yield
    finally:
        os.close(descriptor)


def has_writer(folder: Path) -> bool:
    """Whether a living process writes it. Raises OSError, such as FileNotFoundError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(descriptor)
