"""The temporary folder of a sandboxed run; whoever is killed leaves one behind, which a later run sweeps."""

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

PREFIX = "tunedock-sandbox-"
_FRESH_SECONDS = 60.0  # a folder is made a moment before its owner locks it


@contextlib.contextmanager
def scratch_folder() -> Iterator[str]:
    """A fresh folder, locked while it is in use: the system drops the lock when its owner dies."""
    _sweep(Path(tempfile.gettempdir()))
    with tempfile.TemporaryDirectory(prefix=PREFIX) as folder:
        held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(held, fcntl.LOCK_EX)
            yield folder
        finally:
            os.close(held)


def _sweep(place: Path) -> None:
    for left in place.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):  # another's, in use, or swept by somebody else just now
            _remove_if_left(left)


def _remove_if_left(folder: Path) -> None:
    """Raises OSError when it is locked or no folder; what other users made is let be."""
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        found = os.fstat(held)
        if found.st_uid == os.geteuid() and time.time() - found.st_mtime > _FRESH_SECONDS:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder)
    finally:
        os.close(held)
