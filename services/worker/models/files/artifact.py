"""Checkpoints that Tunedock prepares itself: written aside, described by a manifest, then put in place."""

import contextlib
import fcntl
import hashlib
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from services.worker.failures import JobFailed
from services.worker.models.files.model_folder import read_json
from services.worker.models.reading.byte_progress import ByteProgress
from services.worker.report import Report
from shared.durable import fsync_path
from shared.version import VERSION

MANIFEST = "manifest.json"
SECONDS_BETWEEN_LOCK_TRIES = 0.5
READ_BYTES = 16 * 1024**2


def manifest_of(folder: Path) -> dict[str, Any] | None:
    """The manifest of a published artifact; None when there is none (yet), or none that can be read."""
    try:
        manifest = read_json(folder / MANIFEST) if (folder / MANIFEST).is_file() else None
    except JobFailed:
        return None
    described = manifest is not None and isinstance(manifest.get("files"), dict)
    return manifest if described else None


def fault_in_sizes(folder: Path) -> str | None:
    """Why the files of the artifact in `folder` can't be those of its manifest, by their sizes alone.

    None where nothing is wrong, and where there is no manifest to compare with.
    """
    for name, described in _files_of(folder).items():
        try:
            size = (folder / name).stat().st_size
        except OSError as error:
            return f"{folder / name} can't be read ({error.strerror})"
        if size != described.get("bytes"):
            return f"{folder / name} has {size} bytes instead of {described.get('bytes')}"
    return None


def fault_in_hashes(folder: Path, report: Report) -> str | None:
    """The same by their bytes, too, all of which are read."""
    if fault := fault_in_sizes(folder):
        return fault
    files = _files_of(folder)
    progress = ByteProgress(report, "verifying", sum(described["bytes"] for described in files.values()))
    for name, described in files.items():
        try:
            sha256 = file_sha256(folder / name, progress.add)
        except OSError as error:
            return f"{folder / name} can't be read ({error.strerror})"
        if sha256 != described.get("sha256"):
            return f"{folder / name} does not have the hash its manifest names"
    return None


@contextlib.contextmanager
def only_one_builder(folder: Path, report: Report) -> Iterator[None]:
    """Hold the lock of the artifact `folder`: the second of two builders waits and then finds it made.

    The system drops the lock when its holder dies. Waiting stays cancellable.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f".{folder.name}.lock").open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                report.progress("waiting for another process that prepares this model")
                time.sleep(SECONDS_BETWEEN_LOCK_TRIES)
        yield


@contextlib.contextmanager
def building(folder: Path) -> Iterator[Path]:
    """Give a fresh folder to write in, beside `folder`; swept away when the block raises.

    What an earlier builder left when it was killed is swept first: the lock must be held.
    """
    for left in folder.parent.glob(f".{folder.name}.building-*"):
        shutil.rmtree(left, ignore_errors=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}.building-", dir=folder.parent))
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def publish(draft: Path, folder: Path, description: Mapping[str, Any]) -> None:
    """Write the manifest into `draft`, bring all to disk and put it in `folder`'s place.

    The manifest gets `description` plus an id, the files' hashes and the library versions. Its id names the
    content: the same files give the same id.
    """
    files = {file.name: _described(file) for file in sorted(draft.iterdir())}
    identity = hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()[:16]
    libraries = {name: version(name) for name in ("torch", "transformers", "safetensors")}
    libraries["tunedock"] = VERSION
    manifest = {
        "id": identity,
        **description,
        "files": files,
        "libraries": libraries,
        "created_at": time.time(),
    }
    write_manifest(draft, manifest)
    for file in draft.iterdir():
        fsync_path(file)
    fsync_path(draft)
    outdated = None
    if folder.exists():
        outdated = Path(tempfile.mkdtemp(prefix=f".{folder.name}.building-", dir=folder.parent))
        folder.rename(outdated / "outdated")
    draft.rename(folder)
    fsync_path(folder.parent)
    if outdated is not None:
        shutil.rmtree(outdated)


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Put a manifest in place whole, or not at all."""
    draft = folder / f".{MANIFEST}.draft"
    draft.write_text(json.dumps(manifest, indent=1, ensure_ascii=False), encoding="utf-8")
    draft.replace(folder / MANIFEST)


def file_sha256(path: Path, on_read: Callable[[int], None] = lambda _: None) -> str:
    """Hash a file; `on_read` is told the bytes of each piece."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(READ_BYTES):
            digest.update(piece)
            on_read(len(piece))
    return digest.hexdigest()


def _files_of(folder: Path) -> dict[str, Any]:
    files = (manifest_of(folder) or {}).get("files", {})
    return {name: described if isinstance(described, dict) else {} for name, described in files.items()}


def _described(file: Path) -> dict[str, Any]:
    return {"bytes": file.stat().st_size, "sha256": file_sha256(file)}
