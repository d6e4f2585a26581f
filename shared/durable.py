"""Files that are whole and stay after a power loss: written aside, brought to disk, then given their name."""

import json
import os
import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

# A disk empties its cache once for all who ask at the same time: three take hardly longer than one.
_at_once = ThreadPoolExecutor(8, thread_name_prefix="fsync")


def write_durably(path: Path, content: bytes, *, along: Sequence[Path] = ()) -> None:
    """Write or replace a file: after a crash it holds the old content or the new, whole.

    `along`: files and folders that are brought to disk at the same time, before the file has its name. Raises
    OSError, and leaves nothing beside the file then.
    """
    draft = path.with_name(f".{path.name}.draft")
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            others = [_at_once.submit(fsync_path, other) for other in along]
            os.fsync(file.fileno())
        for other in others:
            other.result()
        draft.replace(path)
    except OSError:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise
    fsync_path(path.parent)


def write_json_durably(path: Path, content: object) -> None:
    """`write_durably` of readable JSON. Raises ValueError for NaN and infinity."""
    text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    write_durably(path, text.encode())


def write_private(path: Path, text: str) -> None:
    """Write or replace a file that only this user can read, whole or not at all."""
    draft = path.with_name(f".{path.name}.draft")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    fsync_path(path.parent)


def write_private_once(path: Path, text: str) -> bool:
    """Write a file that only this user can read; False where there is one. Of several at once one writes."""
    if path.exists():
        return False
    make_folder(path.parent)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)  # whole or not at all, and only for the first who comes
    except FileExistsError:
        return False
    finally:
        draft.unlink()
    fsync_path(path.parent)
    return True


def make_folder(path: Path, *, mode: int = 0o777) -> None:
    """Make a folder and those that it lies in, where they are missing, so that a power loss takes none away.

    `mode` is the innermost folder's. What is brought to disk in a folder whose own name is not stays
    unreachable. Raises OSError.
    """
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(mode=mode, parents=True, exist_ok=True)
    for folder in missing:
        with suppress(PermissionError):  # of one that may be written to and not read
            fsync_path(folder.parent)


def fsync_path(path: Path) -> None:
    """Bring a file's content, or a folder's list of names, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
