"""Where the hub's cache lies and why: which variable won, which are set in vain, what else is cached."""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from huggingface_hub import constants

from services.worker.models.hub.cache_folder import applied_move
from services.worker.models.hub.other_caches import DECIDING, other_cache_folders, real_folder
from shared.cache_choice import OLD_CACHE_FOLDERS
from shared.messages.message import Message, say
from shared.reports.model_files import CacheCopy, CachedProposal, CacheVariable, HubCache, UnfinishedFile

# Read by earlier releases, but not by those this project pins (transformers 5, huggingface_hub 2).
_WITHOUT_EFFECT = {
    **dict.fromkeys(OLD_CACHE_FOLDERS, say("old-cache-variable-piece")),
    "HF_ENABLE_PARALLEL_LOADING": say("variable-not-read-piece", library="transformers 5"),
    "HF_PARALLEL_LOADING_WORKERS": say("variable-not-read-piece", library="transformers 5"),
    "HF_HUB_ENABLE_HF_TRANSFER": say("hf-transfer-variable-piece"),
    "SAFETENSORS_FAST_GPU": say("variable-not-read-piece", library="safetensors 0.8"),
}


def describe_cache(
    model: str, snapshot: Path | None, environment: Mapping[str, str] = os.environ
) -> HubCache:
    """The cache in use, and this model's entry if `snapshot` (a revision's folder in the cache) is given."""
    folder = Path(constants.HF_HUB_CACHE)
    variables = cache_variables(environment)
    entry = snapshot.parent.parent if snapshot is not None else None
    return HubCache(
        folder=str(folder),
        decided_by=what_decides(variables),
        moved=applied_move() is not None,
        variables=variables,
        offline=bool(constants.HF_HUB_OFFLINE),
        unfinished=_unfinished(entry) if entry else (),
        unreferenced_bytes=_unreferenced_bytes(entry, snapshot) if entry and snapshot else None,
        copies=tuple(_copies(model, folder, environment)),
        proposals=tuple(_proposals(entry, snapshot)) if entry and snapshot else (),
        linked=_linked(snapshot) if snapshot else None,
    )


def cache_variables(environment: Mapping[str, str]) -> tuple[CacheVariable, ...]:
    """The variables that are set and mean, or seem to mean, something for the cache or for loading.

    A remembered move of the cache goes before all of them.
    """
    deciding = [(name, environment[name]) for name, _ in DECIDING if name in environment]
    first: str | Message | None = applied_move() or next((name for name, _ in deciding), None)
    found = [
        CacheVariable(name=name, value=value, effect="decides", reason=say("variable-first-piece"))
        if name == first
        else CacheVariable(
            name=name, value=value, effect="outranked", reason=say("variable-outranked-piece", first=first)
        )
        for name, value in deciding
    ]
    found += [
        CacheVariable(name=name, value=environment[name], effect="ignored", reason=reason)
        for name, reason in _WITHOUT_EFFECT.items()
        if name in environment
    ]
    return tuple(found)


def what_decides(variables: Iterable[CacheVariable]) -> str | Message:
    """On the cache's folder: the move, the variable, or "default"."""
    winner = next((variable.name for variable in variables if variable.effect == "decides"), "default")
    return applied_move() or winner


def _unfinished(entry: Path) -> tuple[UnfinishedFile, ...]:
    return tuple(
        UnfinishedFile(name=path.name, bytes=path.stat().st_size)
        for path in sorted((entry / "blobs").glob("*.incomplete"))
        if path.is_file()
    )


def _unreferenced_bytes(entry: Path, snapshot: Path) -> int:
    """Of blobs that the snapshot does not use, and of other snapshots' files where those are no links."""
    blobs = {path.resolve() for path in (entry / "blobs").glob("*") if not path.name.endswith(".incomplete")}
    other = {path for folder in _other_snapshots(entry, snapshot) for path in _real_files(folder)}
    return sum(path.stat().st_size for path in (blobs | other) - _real_files(snapshot) if path.is_file())


def _proposals(entry: Path, snapshot: Path) -> Iterator[CachedProposal]:
    """Of references by the name `refs/pr/N`, which lie in a folder `refs` themselves."""
    for reference in sorted((entry / "refs/refs/pr").glob("*")):
        try:
            folder = entry / "snapshots" / reference.read_text(encoding="utf-8").strip()
        except (OSError, ValueError):
            continue
        if folder == snapshot or not folder.is_dir():
            continue
        others = {file for other in _other_snapshots(entry, folder) for file in _real_files(other)}
        yield CachedProposal(
            revision=f"refs/pr/{reference.name}",
            bytes=sum(file.stat().st_size for file in _real_files(folder) - others),
            safetensors=any(folder.glob("model*.safetensors")),
        )


def _linked(snapshot: Path) -> bool | None:
    files = [path for path in snapshot.iterdir() if path.is_file()]
    return any(path.is_symlink() for path in files) if files else None


def _other_snapshots(entry: Path, snapshot: Path) -> list[Path]:
    return [folder for folder in (entry / "snapshots").glob("*") if folder != snapshot and folder.is_dir()]


def _real_files(snapshot: Path) -> set[Path]:
    return {path.resolve() for path in snapshot.rglob("*") if path.is_file()}


def _copies(model: str, used: Path, environment: Mapping[str, str]) -> list[CacheCopy]:
    """The same repository in the other folders that a cache may have been in, as far as they may be read."""
    if "/" not in model:
        return []
    entry_name = "models--" + model.replace("/", "--")
    sizes = {
        folder: _size_of_files(folder / entry_name / "blobs") for folder in other_cache_folders(environment)
    }
    return [
        CacheCopy(folder=str(folder), bytes=size)
        for folder, size in sizes.items()
        if size is not None and folder != real_folder(used)
    ]


def _size_of_files(folder: Path) -> int | None:
    """In bytes; None where there is no such folder or it may not be read."""
    try:
        return sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
    except OSError:
        return None
