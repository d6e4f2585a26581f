"""A disk that forgets at a power loss whatever nobody brought to it: contents, and names in folders.

Stricter than any filesystem of today, as POSIX has it: a file that was brought to disk has no name until its
folder was, and a name without that has no content. Only what this process does is seen.
"""

import os
import stat
import threading
from pathlib import Path

import pytest


class ForgetfulDisk:
    """Everything below `root`, which is a mounted disk's own folder and so never goes."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._root = root
        self._contents: dict[int, bytes] = {}
        self._names: dict[int, dict[str, tuple[int, bool]]] = {}
        self._held: list[int] = []  # while a number is in use, no other file gets it
        self._lock = threading.Lock()
        fsync = os.fsync

        def noted(descriptor: int) -> None:
            fsync(descriptor)
            with self._lock:
                self._note(descriptor)

        monkeypatch.setattr(os, "fsync", noted)

    def _note(self, descriptor: int) -> None:
        """What `descriptor` is open for is on the disk now, as it is."""
        status, place = os.fstat(descriptor), f"/proc/self/fd/{descriptor}"
        self._held.append(os.dup(descriptor))
        if stat.S_ISREG(status.st_mode):
            self._contents[status.st_ino] = Path(place).read_bytes()
        elif stat.S_ISDIR(status.st_mode):
            with os.scandir(place) as entries:
                self._names[status.st_ino] = {
                    entry.name: (entry.inode(), entry.is_dir(follow_symlinks=False)) for entry in entries
                }

    def after_power_loss(self, target: Path) -> Path:
        """What is left of the disk, laid out anew as the folder `target`."""
        self._lay_out(self._root.stat().st_ino, target)
        return target

    def _lay_out(self, number: int, target: Path) -> None:
        target.mkdir()
        for name, (inner, is_folder) in self._names.get(number, {}).items():
            if is_folder:
                self._lay_out(inner, target / name)
            else:
                (target / name).write_bytes(self._contents.get(inner, b""))

    def close(self) -> None:
        for descriptor in self._held:
            os.close(descriptor)
