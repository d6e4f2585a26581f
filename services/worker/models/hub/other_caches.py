"""Finds a hub model that our own cache lacks in other Hugging Face caches, which are only read.

Caches are laid out as huggingface_hub describes it ("Understand caching").
"""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from huggingface_hub import constants
from huggingface_hub.file_download import repo_folder_name

from services.worker.failures import JobFailed
from services.worker.models.files.model_folder import refuse_outside_links
from services.worker.models.files.weight_files import find_weights
from shared.cache_choice import OLD_CACHE_FOLDERS

# In order of precedence, each with what it appends; huggingface_hub 1 and 2, constants.py.
DECIDING = (
    ("HF_HUB_CACHE", ""),
    ("HUGGINGFACE_HUB_CACHE", ""),
    ("HF_HOME", "hub"),
    ("XDG_CACHE_HOME", "huggingface/hub"),
)

_COMMIT = re.compile(r"[0-9a-f]{40}")


def other_cache_folders(environment: Mapping[str, str] = os.environ) -> tuple[Path, ...]:
    """The folders beside the cache in use that a cache may have been in: those that some variable names, and
    where it lies without any. They need not exist.
    """
    named = [Path(environment[name], extra) for name, extra in DECIDING if name in environment]
    named += [Path(environment[name]) for name in OLD_CACHE_FOLDERS if name in environment]
    real = [real_folder(folder) for folder in (*named, Path("~/.cache/huggingface/hub"))]
    used = real_folder(Path(constants.HF_HUB_CACHE))
    return tuple(folder for folder in dict.fromkeys(real) if folder != used)


def real_folder(folder: Path) -> Path:
    """A `~user` that nobody is called stays as it is; pathlib would raise."""
    return Path(os.path.realpath(os.path.expanduser(folder)))  # noqa: PTH111


def find_in_other_caches(name: str, revision: str | None, caches: Iterable[Path]) -> Path | None:
    """The revision's snapshot in the first of `caches` that has it whole; None if our own cache has it.

    Each is an HF_HOME or its `hub`. Raises JobFailed(MODEL_REFUSED) when a file leads out of its cache.
    """
    repository = repo_folder_name(repo_id=name, repo_type="model")
    own = find_snapshot(Path(constants.HF_HUB_CACHE) / repository, revision)
    if own is not None and is_whole(own):
        return None
    for root in (folder for cache in caches for folder in (cache / "hub", cache)):
        snapshot = find_snapshot(root / repository, revision)
        if snapshot is not None and is_whole(snapshot):
            refuse_outside_links(snapshot)
            return snapshot
    return None


def find_snapshot(repository: Path, revision: str | None) -> Path | None:
    """A revision's snapshot in a model's folder of a cache, whole or not."""
    commit = revision or "main"
    if not _COMMIT.fullmatch(commit):
        try:
            commit = (repository / "refs" / commit).read_text().strip()
        except (OSError, UnicodeError):
            return None
    return next((path for path in _snapshots(repository) if path.name == commit), None)


def is_whole(snapshot: Path) -> bool:
    """Config and all weights are there; a link to a blob that never came is not."""
    try:
        return (snapshot / "config.json").is_file() and all(
            file.is_file() for file in find_weights(snapshot).files
        )
    except JobFailed:
        return False


def _snapshots(repository: Path) -> list[Path]:
    try:
        return [path for path in (repository / "snapshots").iterdir() if path.is_dir()]
    except OSError:
        return []
