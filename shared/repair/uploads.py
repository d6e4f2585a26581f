"""Uploaded files: whole, with the size and the hash that were noted when they came."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from shared.old_uploads import INCOMING, is_abandoned
from shared.repair.scene import Scene
from shared.repair.sealed import OnRead
from shared.repair.trouble import Trouble
from shared.sealed_folder import file_sha256
from shared.small_files import read_small


def upload_troubles(scene: Scene, on_read: OnRead) -> Iterator[Trouble]:
    files = scene.data_dir / "files"
    for folder in sorted(files.glob("file-*/")):
        if why := _fault(folder, on_read):
            yield Trouble("upload_damaged", folder.name, partial(scene.set_aside, folder), why)
    for folder in sorted(files.glob(f"{INCOMING}*/")):
        if not scene.is_running or is_abandoned(folder):
            yield Trouble("upload_unfinished", folder.name, partial(scene.set_aside, folder))


def _fault(folder: Path, on_read: OnRead) -> str:
    try:
        described = json.loads(read_small(folder / "file.json"))
        size_bytes, sha256 = described["bytes"], described["sha256"]
    except OSError as error:
        return f"file.json: {error.strerror}"
    except (ValueError, KeyError, TypeError):
        return "file.json"
    try:
        if (folder / "content").stat().st_size != size_bytes:
            return "content"
        return "" if file_sha256(folder / "content", on_read) == sha256 else "content"
    except OSError as error:
        return f"content: {error.strerror}"
