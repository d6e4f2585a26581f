"""Folders that are whole or not there: every file durable and in a manifest of hashes, then one rename.

Adapters, checkpoints, rendered rows and the copies of models that we make are such folders. The
manifest has in `files` the `bytes` and `sha256` of each; the rest are facts of whoever sealed the folder.
"""

import hashlib
import json
import os
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

from shared.durable import fsync_path, write_json_durably
from shared.messages.message import Message, say

MANIFEST = "manifest.json"
LONGEST_MANIFEST_BYTES = 16 * 1024**2
READ_BYTES = 16 * 1024**2

Files = dict[str, dict[str, int | str]]


def seal(folder: Path, facts: Mapping[str, Any]) -> None:
    """Wait until the disk has every file of `folder`, and write the manifest: `facts`, sizes and SHA-256.

    Raises OSError.
    """
    write_manifest(folder, {**facts, "files": measure(folder)})


def measure(folder: Path) -> Files:
    """Sizes and hashes of all files of `folder`, each of which the disk has afterwards. Raises OSError."""
    paths = sorted(path for path in folder.iterdir() if path.name != MANIFEST)
    for path in paths:
        fsync_path(path)
    return {path.name: _measured(path) for path in paths}


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Write or replace a manifest: after a crash it is the old or the new one, whole. Raises OSError."""
    write_json_durably(folder / MANIFEST, dict(manifest))


def publish(folder: Path, target: Path) -> None:
    """Give a sealed folder its final name, which must be free, durably."""
    folder.rename(target)
    fsync_path(target.parent)


def manifest_of(folder: Path) -> dict[str, Any] | None:
    """The manifest of `folder`, whatever became of the files; None where there is none that can be read."""
    path = folder / MANIFEST
    try:
        if not path.is_file() or path.stat().st_size > LONGEST_MANIFEST_BYTES:
            return None
        manifest = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    described = isinstance(manifest, dict) and isinstance(manifest.get("files"), dict)
    return manifest if described else None


def verified_manifest(folder: Path, *, spared: Collection[str] = ()) -> dict[str, Any] | None:
    """The manifest of `folder` if every file it names is there with its size and hash, else None.

    Files named in `spared` may be gone.
    """
    manifest = manifest_of(folder)
    if not manifest or not manifest["files"]:
        return None
    return manifest if fault_in_hashes(folder, spared=spared) is None else None


def fault_in_sizes(folder: Path, *, spared: Collection[str] = ()) -> Message | None:
    """Why the files of `folder` can't be those of its manifest, by their sizes alone.

    None where nothing is wrong, and where there is no manifest to compare with.
    """
    for name, described in _described(folder, spared):
        if not _is_own(name):
            return say("manifest-names-no-file", folder=folder, name=repr(name)[:300])
        try:
            size = (folder / name).stat().st_size
        except OSError as error:
            return say("sealed-file-not-read", file=folder / name, error=error.strerror)
        if size != (wanted := described.get("bytes")):
            named = wanted if type(wanted) is int else repr(wanted)[:40]
            return say("file-of-other-size", file=folder / name, bytes=size, described=named)
    return None


def fault_in_hashes(
    folder: Path, *, on_read: Callable[[int], None] = lambda _: None, spared: Collection[str] = ()
) -> Message | None:
    """The same by their bytes, too, all of which are read; `on_read` is told the bytes of each piece."""
    if fault := fault_in_sizes(folder, spared=spared):
        return fault
    for name, described in _described(folder, spared):
        try:
            sha256 = file_sha256(folder / name, on_read)
        except OSError as error:
            return say("sealed-file-not-read", file=folder / name, error=error.strerror)
        if sha256 != described.get("sha256"):
            return say("file-of-other-hash", file=folder / name)
    return None


def promise_no(folder: Path, name: str) -> None:
    """Take the file `name` out of the manifest, which keeps its age; one that can't be read stays as it is.

    Raises OSError.
    """
    manifest = manifest_of(folder)
    if manifest is None or name not in manifest["files"]:
        return
    made_at = sealed_at(folder)
    files = {other: facts for other, facts in manifest["files"].items() if other != name}
    write_manifest(folder, {**manifest, "files": files})
    os.utime(folder / MANIFEST, (made_at, made_at))


def sealed_at(folder: Path) -> float:
    """When `folder` was sealed, in UTC seconds. Raises OSError."""
    return (folder / MANIFEST).stat().st_mtime


def manifest_sha256(folder: Path) -> str:
    return file_sha256(folder / MANIFEST)


def file_sha256(path: Path, on_read: Callable[[int], None] = lambda _: None) -> str:
    """Hash a file; `on_read` is told the bytes of each piece."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(READ_BYTES):
            digest.update(piece)
            on_read(len(piece))
    return digest.hexdigest()


def _measured(path: Path) -> dict[str, int | str]:
    return {"bytes": path.stat().st_size, "sha256": file_sha256(path)}


def _described(folder: Path, spared: Collection[str]) -> list[tuple[str, Mapping[str, Any]]]:
    """What the manifest says of each file; of a spared one only if it is there."""
    files = (manifest_of(folder) or {}).get("files", {})
    return [
        (name, described if isinstance(described, dict) else {})
        for name, described in files.items()
        if name not in spared or (folder / name).exists()
    ]


def _is_own(name: str) -> bool:
    """A bare name: a manifest decides what is read here, and nothing outside the folder is."""
    return name.isprintable() and "/" not in name and name not in ("", ".", "..")
