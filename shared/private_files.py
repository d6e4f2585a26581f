"""The data folder is its owner's alone: what is made from now on, and what an earlier version left open."""

import logging
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.durable import make_folder
from shared.messages.message import Message, say
from shared.messages.render import in_english

OTHERS = 0o077  # what group and others may do
OURS = (
    "api.key", "files", "jobs", "logs", "models", "set-aside", "stack.json", "stack.lock", "store",
    "sweep.lock", "webhook.secret", "worker",
)  # fmt: skip

_log = logging.getLogger(__name__)
_usual_umask = os.umask(OTHERS)
os.umask(_usual_umask)


def keep_private(data_dir: Path, tell: Callable[[Message], None] | None = None) -> None:
    """Make this process's files private, and the data folder; tells how many files were open to others.

    Without `tell` the log is told.
    """
    os.umask(OTHERS)
    make_folder(data_dir)
    if closed := close_to_others(data_dir):
        said = say("files-were-open", files=closed, folder=data_dir)
        if tell:
            tell(said)
        else:
            _log.warning(in_english(said))


def usual_umask() -> int:
    """What files of this user lack that are not Tunedock's, such as those of the Hugging Face cache."""
    return _usual_umask


def close_to_others(data_dir: Path) -> int:
    """Take from group and others what they may do with our files; how many they could use.

    The folder itself is closed last and looked at first, so that all is walked once. Of a folder that holds
    other things, or is another user's, only what is ours in it is touched.
    """
    root = data_dir.stat()
    if not root.st_mode & OTHERS:
        return 0
    found = sum(_close(place, file) for name in OURS for place, file in _walk(data_dir / name))
    names = {path.name for path in data_dir.iterdir() if not path.name.startswith(".")}
    if root.st_uid == os.geteuid() and names <= set(OURS) and not root.st_mode & stat.S_ISVTX:
        return found + _close(data_dir, root)
    return found


def _walk(path: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Every file and folder below `path`, and itself, without following links."""
    try:
        file = path.lstat()
        yield path, file
        if stat.S_ISDIR(file.st_mode):
            for inner in list(path.iterdir()):
                yield from _walk(inner)
    except (FileNotFoundError, PermissionError):  # gone meanwhile, or another user's
        return


def _close(path: Path, file: os.stat_result) -> bool:
    if stat.S_ISLNK(file.st_mode) or not file.st_mode & OTHERS:
        return False
    try:
        path.chmod(stat.S_IMODE(file.st_mode) & ~OTHERS)
    except (FileNotFoundError, PermissionError):
        return False
    return True


@contextmanager
def open_as_usual() -> Iterator[None]:
    """For files that are not ours, such as the Hugging Face cache: as this user's files usually are."""
    before = os.umask(usual_umask())
    try:
        yield
    finally:
        os.umask(before)
