"""Checkpoints that Tunedock prepares itself: written aside, described by a manifest, then put in place."""

import contextlib
import fcntl
import hashlib
import json
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from services.worker.models.reading.byte_progress import ByteProgress
from services.worker.running_job import RunningJob
from shared import sealed_folder
from shared.messages.message import Message
from shared.sealed_folder import fault_in_hashes, fault_in_sizes, manifest_of, measure, write_manifest
from shared.version import VERSION

SECONDS_BETWEEN_LOCK_TRIES = 0.5


def fault_in_bytes(folder: Path, job: RunningJob) -> Message | None:
    """Why the files of the artifact in `folder` are not those of its manifest, by all their bytes.

    None where nothing is wrong, and where there is no manifest to compare with.
    """
    if fault := fault_in_sizes(folder):
        return fault
    described = (manifest_of(folder) or {}).get("files", {})
    progress = ByteProgress(job, "verifying", sum(file["bytes"] for file in described.values()))
    return fault_in_hashes(folder, on_read=progress.add)


@contextlib.contextmanager
def only_one_builder(folder: Path, job: RunningJob) -> Iterator[None]:
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
                job.progress("waiting for another process that prepares this model")
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
    """Bring all of `draft` to disk, write its manifest and put it in `folder`'s place.

    The manifest gets `description` plus an id, the files' hashes and the library versions. Its id names the
    content: the same files give the same id.
    """
    files = measure(draft)
    identity = hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()[:16]
    libraries = {name: version(name) for name in ("torch", "transformers", "safetensors")}
    libraries["tunedock"] = VERSION
    write_manifest(
        draft,
        {
            "id": identity,
            **description,
            "files": files,
            "libraries": libraries,
            "created_at": time.time(),
        },
    )
    outdated = None
    if folder.exists():
        outdated = Path(tempfile.mkdtemp(prefix=f".{folder.name}.building-", dir=folder.parent))
        folder.rename(outdated / "outdated")
    sealed_folder.publish(draft, folder)
    if outdated is not None:
        shutil.rmtree(outdated)
