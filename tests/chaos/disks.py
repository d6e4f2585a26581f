"""The disks of a run of chaos: small filesystems where this user may mount them, else limits on files' sizes.

A limit stands in for a full disk: whoever writes beyond it gets an error, and no files shrink.
"""

import resource
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from tests.small_disk import MIB, fill_up, may_mount, resize, small_disk

SIZES = {"data": 4096 * MIB, "store": 512 * MIB}


class Disks:
    """The data folder's disk and the store's, which lies in it."""

    def __init__(self, data_dir: Path, processes: Callable[[], Iterable[int]]) -> None:
        """`processes` are the ids of those that a limit is for, where nothing can be mounted."""
        self._folders = {"data": data_dir, "store": data_dir / "store"}
        self._processes = processes
        self._locks = {name: threading.Lock() for name in self._folders}
        self._mounted = ExitStack()

    def __enter__(self) -> "Disks":
        for name, folder in self._folders.items():
            if may_mount():
                self._mounted.enter_context(small_disk(folder, SIZES[name]))
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)  # as `up` makes it
        return self

    def __exit__(self, *_: object) -> None:
        self._mounted.close()

    @contextmanager
    def full(self, name: str) -> Iterator[None]:
        with self._locks[name]:
            if may_mount():
                fill_up(self._folders[name])
            else:
                self._limit(0)
            try:
                yield
            finally:
                if may_mount():
                    resize(self._folders[name], SIZES[name])
                else:
                    self._limit(None)

    def _limit(self, size_bytes: int | None) -> None:
        for pid in self._processes():
            with suppress(ProcessLookupError, PermissionError):
                _, most = resource.prlimit(pid, resource.RLIMIT_FSIZE)
                resource.prlimit(
                    pid, resource.RLIMIT_FSIZE, (most if size_bytes is None else size_bytes, most)
                )

    def used_bytes(self) -> int:
        return shutil.disk_usage(self._folders["data"]).used
