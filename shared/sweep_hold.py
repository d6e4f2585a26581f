"""While a backup copies the folders, no sweep removes anything: a lock that either has, not both."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def sweep_held(data_dir: Path) -> Iterator[None]:
    """Keep the sweep from removing anything; waits for one that is under way. Raises OSError."""
    with _opened(data_dir) as descriptor:
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield


@contextmanager
def may_sweep(data_dir: Path) -> Iterator[bool]:
    """Whether nobody holds the sweep now; nobody can until the end. Raises OSError."""
    with _opened(data_dir) as descriptor:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            is_free = False
        else:
            is_free = True
        yield is_free


@contextmanager
def _opened(data_dir: Path) -> Iterator[int]:
    descriptor = os.open(data_dir / "sweep.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
