"""Takes a hub model over from another Hugging Face cache, which is only read: no second download.

That cache is laid out as huggingface_hub describes it ("Understand caching"): snapshots of links into blobs,
or of plain files where the filesystem has no links, as on Windows.
"""

import errno
import hashlib
import os
import re
import shutil
from pathlib import Path

from huggingface_hub import constants
from huggingface_hub.file_download import repo_folder_name

from services.worker.failures import FailureCode, JobFailed
from services.worker.loading.byte_progress import ByteProgress
from services.worker.loading.model_folder import (
    CONFIG_PATTERNS,
    PICKLE_PATTERNS,
    SAFETENSORS_PATTERNS,
    matches,
    refuse_outside_links,
)
from services.worker.loading.weight_files import find_weights
from services.worker.report import Report
from shared.durable import write_durably

PIECE_BYTES = 16 * 1024**2
_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")  # how blobs of large files are named; small ones have git's own hash


def find_in_host_cache(name: str, revision: str | None, host_cache: Path | None) -> Path | None:
    """The snapshot of a whole model in `host_cache` (an HF_HOME or its `hub`) that our own cache lacks.

    Raises JobFailed(MODEL_REFUSED) when a file in it leads out of that cache.
    """
    repository = repo_folder_name(repo_id=name, repo_type="model")
    own = _snapshots(Path(constants.HF_HUB_CACHE) / repository)
    if host_cache is None or any(_is_whole(snapshot) for snapshot in own):
        return None
    for root in (host_cache / "hub", host_cache):
        snapshot = _snapshot(root / repository, revision)
        if snapshot is not None and _is_whole(snapshot):
            refuse_outside_links(snapshot)
            return snapshot
    return None


def import_snapshot(snapshot: Path, name: str, revision: str | None, report: Report) -> Path:
    """Copy a snapshot that `find_in_host_cache` found into our own cache; returns its folder there.

    Large files are compared with the hash that names them. What was copied whole is kept, so that a second
    try goes on. Raises JobFailed: MODEL_UNREADABLE for a damaged file, DISK_FULL.
    """
    repository = Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=name, repo_type="model")
    files = _wanted(snapshot)
    progress = ByteProgress(report, "importing", sum(file.stat().st_size for file in files))
    report.event(
        f"Copying {name} from the host's cache ({progress.total_bytes / 1e9:.2f} GB), not downloading it"
    )
    target, draft = repository / "snapshots" / snapshot.name, repository / ".importing"
    try:
        for folder in (target.parent, draft, repository / "blobs"):
            folder.mkdir(parents=True, exist_ok=True)
        for file in files:
            _import_file(file, draft, repository / "blobs", progress)
        if target.exists():  # what a broken-off download left
            shutil.rmtree(target)
        draft.replace(target)
        if not _COMMIT.fullmatch(revision or "main"):
            reference = repository / "refs" / (revision or "main")
            reference.parent.mkdir(parents=True, exist_ok=True)
            write_durably(reference, snapshot.name.encode())
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise JobFailed(
            FailureCode.DISK_FULL,
            f"no space left in {constants.HF_HUB_CACHE} while copying {name} ({progress.total_bytes} bytes)",
            "free space there, or set TUNEDOCK_HF_CACHE to a folder on a larger disk; a new try goes on",
        ) from error
    return target


def _snapshots(repository: Path) -> list[Path]:
    try:
        return [path for path in (repository / "snapshots").iterdir() if path.is_dir()]
    except OSError:
        return []


def _snapshot(repository: Path, revision: str | None) -> Path | None:
    commit = revision or "main"
    if not _COMMIT.fullmatch(commit):
        try:
            commit = (repository / "refs" / commit).read_text().strip()
        except OSError:
            return None
    return next((path for path in _snapshots(repository) if path.name == commit), None)


def _is_whole(snapshot: Path) -> bool:
    """Config and all weights are there; a link to a blob that never came is not."""
    try:
        return (snapshot / "config.json").is_file() and all(
            file.is_file() for file in find_weights(snapshot).files
        )
    except JobFailed:
        return False


def _wanted(snapshot: Path) -> list[Path]:
    weights = find_weights(snapshot)
    patterns = CONFIG_PATTERNS + (SAFETENSORS_PATTERNS if weights.form == "safetensors" else PICKLE_PATTERNS)
    return sorted(path for path in snapshot.iterdir() if matches(path.name, patterns) and path.is_file())


def _import_file(file: Path, draft: Path, blobs: Path, progress: ByteProgress) -> None:
    """Into our blobs under the same name and linked, or as it is where the other cache has no blobs."""
    blob = file.resolve()
    if blob.parent.name != "blobs":
        _copy(blob, draft / file.name, progress)
        return
    _copy(blob, blobs / blob.name, progress)
    link = draft / file.name
    link.unlink(missing_ok=True)
    link.symlink_to(f"../../blobs/{blob.name}")  # as seen from the snapshot's folder, which this becomes


def _copy(source: Path, target: Path, progress: ByteProgress) -> None:
    if target.is_file() and target.stat().st_size == source.stat().st_size:
        progress.add(source.stat().st_size)
        return
    draft = target.with_name(f".{target.name}.importing")
    digest = hashlib.sha256()
    try:
        with source.open("rb", buffering=0) as reader, draft.open("wb") as writer:
            while piece := reader.read(PIECE_BYTES):
                writer.write(piece)
                digest.update(piece)
                progress.add(len(piece))
            writer.flush()
            os.fsync(writer.fileno())
        if _SHA256.fullmatch(source.name) and digest.hexdigest() != source.name:
            raise JobFailed(
                FailureCode.MODEL_UNREADABLE,
                f"the host's cache holds a damaged file: {source} does not have the hash it is named after",
                "delete that file and fetch it again there, or unset TUNEDOCK_HOST_HF_CACHE to download it",
            )
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
