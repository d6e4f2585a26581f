"""Where the installation's folders really lie, and which variable decided where models are cached."""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from services.cli.doctor.facts import CacheFacts, DataUse, Folder, FolderRole, WorkerState
from shared.cache_choice import cache_on, move_to, read_choice
from shared.cache_facts import SeenCache
from shared.disk_use import disk_use
from shared.messages.message import Message, say
from shared.settings import PROJECT_ROOT, Settings
from shared.storage import storage_of

# In order of precedence, each with what huggingface_hub appends; the worker's diagnosis has the same table.
DECIDING = (
    ("HF_HUB_CACHE", ""),
    ("HUGGINGFACE_HUB_CACHE", ""),
    ("HF_HOME", "hub"),
    ("XDG_CACHE_HOME", "huggingface/hub"),
)
COUNTING_SECONDS = 5.0
IGNORED = ("TRANSFORMERS_CACHE", "PYTORCH_TRANSFORMERS_CACHE", "PYTORCH_PRETRAINED_BERT_CACHE")


def find_cache(settings: Settings, environment: Mapping[str, str], worker: WorkerState | None) -> CacheFacts:
    """The folder that a living worker says it uses, else the one that this environment names."""
    if worker and worker.speaks and (told := worker.caches):
        return CacheFacts(
            folder=told.hub.path,
            decided_by=told.decided_by
            if told.moved
            else say("cache-of-worker-piece", variable=told.decided_by),
            moved=told.moved,
            ignored=told.ignored,
            holds_default_model=told.holds_default_model,
            told_by_worker=True,
        )
    decided = next(((name, end) for name, end in DECIDING if name in environment), None)
    moved_to = _moved_to(settings)
    decided_by: str | Message
    if moved_to:
        storage, folder = moved_to
        decided_by = move_to(storage)
    elif worker and worker.hf_cache:
        folder, decided_by = Path(worker.hf_cache), say("cache-of-worker-environment-piece")
    elif decided:
        folder, decided_by = Path(environment[decided[0]], decided[1]).expanduser(), decided[0]
    else:
        folder, decided_by = Path("~/.cache/huggingface/hub").expanduser(), say("cache-default-piece")
    entry = folder / f"models--{settings.default_model.replace('/', '--')}"
    return CacheFacts(
        folder=str(folder),
        decided_by=decided_by,
        ignored=tuple((name, environment[name]) for name in IGNORED if name in environment),
        holds_default_model=_exists(entry / "snapshots"),
        moved=moved_to is not None,
    )


def _moved_to(settings: Settings) -> tuple[str, Path] | None:
    """Storage and folder that a job moved the cache to, as the worker finds them at its next start."""
    with suppress(OSError, ValueError):
        choice = read_choice(settings)
        folder = cache_on(choice.storage, settings) if choice else None
        if choice and folder and _exists(folder):
            return choice.storage, folder
    return None


def describe_folders(
    settings: Settings, cache: CacheFacts, worker: WorkerState | None, root: Path
) -> tuple[Folder, ...]:
    """Every folder that work depends on; the caches as the worker sees them, where it told."""
    named: list[tuple[FolderRole, Path, str | None]] = [
        ("repository", PROJECT_ROOT, None),
        ("data", settings.data_dir, "TUNEDOCK_DATA_DIR"),
        ("datasets", settings.datasets_dir, "TUNEDOCK_DATASETS_DIR"),
        ("models", settings.models_dir, "TUNEDOCK_MODELS_DIR"),
    ]
    if cache.told_by_worker and worker and worker.caches:
        seen = [_seen("model-cache", worker.caches.hub, "HF_HUB_CACHE")]
        if worker.caches.host:
            seen.append(_seen("host-cache", worker.caches.host, "TUNEDOCK_HOST_HF_CACHE"))
        return (*(_describe(role, path, setting, root) for role, path, setting in named), *seen)
    named.append(("model-cache", Path(cache.folder), "HF_HUB_CACHE"))
    if settings.host_hf_cache is not None:
        named.append(("host-cache", settings.host_hf_cache, "TUNEDOCK_HOST_HF_CACHE"))
    return tuple(_describe(role, path, setting, root) for role, path, setting in named)


def ask_data_use(settings: Settings) -> DataUse:
    """What the data folder holds, as far as it is counted within seconds."""
    use = disk_use(settings.data_dir, seconds=COUNTING_SECONDS)
    return DataUse(by_kind=use.by_kind, complete=use.complete)


def _describe(role: FolderRole, path: Path, setting: str | None, root: Path) -> Folder:
    """A folder that does not exist yet will lie where the nearest one above it does."""
    exists = _exists(path)
    there = next((parent for parent in [path, *path.parents] if _exists(parent)), Path("/"))
    return Folder(
        role=role,
        path=str(path),
        setting=setting,
        exists=exists,
        writable=os.access(there, os.W_OK),
        models=_count_models(path) if role == "host-cache" else None,
        readable=not exists or os.access(path, os.R_OK | os.X_OK),
        storage=storage_of(there, proc=root / "proc", sys=root / "sys"),
    )


def _seen(role: FolderRole, cache: SeenCache, setting: str) -> Folder:
    return Folder(
        role=role,
        path=cache.path,
        setting=setting,
        exists=cache.exists,
        models=cache.models,
        readable=cache.readable,
        mount_root=cache.mount_root,
        storage=cache.storage,
    )


def _count_models(cache: Path) -> int:
    """Models in a cache, which may be named by HF_HOME's folder or by its `hub`."""
    try:
        return sum(1 for folder in (cache / "hub", cache) for _ in folder.glob("models--*"))
    except OSError:
        return 0


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False
