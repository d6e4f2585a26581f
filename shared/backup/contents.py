"""What of a data folder goes into a backup."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from shared.job_folder import ATTEMPTS, CHECKPOINTS, JOBS
from shared.old_uploads import INCOMING
from shared.removal import GONE

KEY = "api.key"
SECRET = "webhook.secret"
FILES = "files"
MODELS = "models"
PARTS = (KEY, SECRET, FILES, JOBS, MODELS)  # of the data folder; the store is a part of its own
_BEING_WRITTEN = (".draft", ".tmp", ".new")


@dataclass(frozen=True)
class Choice:
    """What is left out unless it is asked for, or asked to be."""

    checkpoints: bool = True
    models: bool = False


@dataclass(frozen=True)
class Size:
    """What a backup takes, and what it leaves out."""

    files: int = 0
    size_bytes: int = 0
    models_bytes: int = 0
    checkpoints_bytes: int = 0


def chosen(data_dir: Path, choice: Choice) -> Iterator[Path]:
    """Every file; links, and what is being written or deleted, are left out."""
    for part in PARTS:
        if part == MODELS and not choice.models:
            continue
        for path in _files(data_dir / part):
            parts = path.relative_to(data_dir).parts
            if choice.checkpoints or not (part == JOBS and parts[2:3] == (CHECKPOINTS,)):
                yield path


def size_of(data_dir: Path, choice: Choice) -> Size:
    """Bytes of the files, which may change until they are copied."""
    count = total = 0
    for path in chosen(data_dir, choice):
        count, total = count + 1, total + _bytes(path)
    everything = chosen(data_dir, Choice(checkpoints=True, models=True))
    left = [path for path in everything if _is_left_out(path.relative_to(data_dir).parts, choice)]
    models = sum(_bytes(path) for path in left if path.relative_to(data_dir).parts[0] == MODELS)
    return Size(count, total, models, sum(map(_bytes, left)) - models)


def _is_left_out(parts: tuple[str, ...], choice: Choice) -> bool:
    if parts[0] == MODELS:
        return not choice.models
    return parts[0] == JOBS and parts[2:3] == (CHECKPOINTS,) and not choice.checkpoints


def _files(path: Path) -> Iterator[Path]:
    try:
        mode = path.lstat().st_mode
        if stat.S_ISREG(mode):
            if not path.name.endswith(_BEING_WRITTEN):
                yield path
        elif stat.S_ISDIR(mode) and not _is_on_its_way(path):
            with os.scandir(path) as entries:
                names = sorted(entry.name for entry in entries)
            for name in names:
                yield from _files(path / name)
    except FileNotFoundError:  # it went meanwhile
        return


def _is_on_its_way(folder: Path) -> bool:
    """Uploads that arrive, jobs that are deleted, drafts of attempts."""
    if folder.name.startswith((INCOMING, GONE)):
        return True
    return folder.parent.parent.name == ATTEMPTS and (".tmp" in folder.name)


def _bytes(path: Path) -> int:
    try:
        return path.lstat().st_size
    except FileNotFoundError:
        return 0
