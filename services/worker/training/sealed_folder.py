"""Folders that are whole or not there: every file durable and in a hash manifest, then one rename."""

import hashlib
import json
import os
import re
from pathlib import Path
from typing import Any

MANIFEST = "manifest.json"
_FILE_NAME = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9._-]*$")


def write_json(path: Path, content: object) -> None:
    """Indented, keys sorted, no NaN: the same content is the same file."""
    text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
    path.write_text(text, encoding="utf-8")


def seal(folder: Path, facts: dict[str, Any]) -> None:
    """Wait until the disk has every file of `folder`, and write the manifest: `facts`, sizes and SHA-256.

    Raises OSError.
    """
    files = {path.name: _measure(path, sync=True) for path in sorted(folder.iterdir())}
    write_json(folder / MANIFEST, {**facts, "files": files})
    _measure(folder / MANIFEST, sync=True)
    sync_folder(folder)


def verified_manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest of `folder` if every file it names is there with its size and hash, else None."""
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        files = manifest["files"]
        whole = bool(files) and all(
            _FILE_NAME.match(name) and _measure(folder / name) == wanted for name, wanted in files.items()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return manifest if whole else None


def manifest_sha256(folder: Path) -> str:
    return str(_measure(folder / MANIFEST)["sha256"])


def publish(folder: Path, target: Path) -> None:
    """Give a sealed folder its final name, which must be free, durably."""
    folder.rename(target)
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Make names in `folder` durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _measure(path: Path, *, sync: bool = False) -> dict[str, int | str]:
    with path.open("rb") as file:
        if sync:
            os.fsync(file.fileno())
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return {"bytes": os.fstat(file.fileno()).st_size, "sha256": digest}
