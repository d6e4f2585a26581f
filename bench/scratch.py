"""A benchmark's folder for what it makes: enough room, one benchmark at a time, and gone afterwards.

What a killed benchmark left there, a mounted disk too, is taken away by the next.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.slow_disk import remove_dead_groups, remove_disk

_PREFIX = "bench-load-"


class NoScratch(Exception):
    """Why the folder can't be used; the text says what to do."""


@contextmanager
def scratch_folder(parent: Path, wanted_bytes: int) -> Iterator[Path]:
    """A new folder in `parent` where `wanted_bytes` are free. Raises NoScratch."""
    parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(parent, os.O_RDONLY)
    try:
        _only_one(descriptor, parent)
        remove_dead_groups()
        for left in parent.glob(f"{_PREFIX}*"):
            _remove(left)
        if (free := shutil.disk_usage(parent).free) < wanted_bytes:
            raise NoScratch(
                f"{parent} has {free / 1e9:.1f} GB free and {wanted_bytes / 1e9:.1f} are needed; "
                "name another folder with --scratch"
            )
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        try:
            yield folder
        finally:
            _remove(folder)
    finally:
        os.close(descriptor)


def _only_one(descriptor: int, parent: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise NoScratch(
            f"another benchmark uses {parent}; wait for it, or name another folder with --scratch"
        ) from None


def _remove(folder: Path) -> None:
    remove_disk(folder)
    shutil.rmtree(folder, ignore_errors=True)
