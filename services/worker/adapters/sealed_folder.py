"""Folders that are whole or not there: every file durable and in a hash manifest, then one rename."""

import hashlib
import json
import os
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

from shared.durable import fsync_path, write_json_durably

MANIFEST = "manifest.json"
_FILE_NAME = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9._-]*$")


def seal(folder: Path, facts: dict[str, Any]) -> None:
    """Wait until the disk has every file of `folder`, and write the manifest: `facts`, sizes and SHA-256.

    Raises OSError.
    """
    paths = sorted(folder.iterdir())
    for path in paths:
        fsync_path(path)
    write_json_durably(folder / MANIFEST, {**facts, "files": {path.name: _measure(path) for path in paths}})


def verified_manifest(folder: Path, *, spared: Collection[str] = ()) -> dict[str, Any] | None:
    """The manifest of `folder` if every file it names is there with its size and hash, else None.

    Files named in `spared` may be gone.
    """
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        files = manifest["files"]
        whole = bool(files) and all(
            _FILE_NAME.match(name) and _measure(folder / name) == wanted
            for name, wanted in files.items()
            if name not in spared or (folder / name).exists()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return manifest if whole else None


def manifest_sha256(folder: Path) -> str:
    return str(_measure(folder / MANIFEST)["sha256"])


def publish(folder: Path, target: Path) -> None:
    """Give a sealed folder its final name, which must be free, durably."""
    folder.rename(target)
    fsync_path(target.parent)


def _measure(path: Path) -> dict[str, int | str]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return {"bytes": os.fstat(file.fileno()).st_size, "sha256": digest}
