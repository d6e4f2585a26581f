"""What an interrupted download left out of a hub model's snapshot: names and bytes, from the cache alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.worker.failures import JobFailed
from services.worker.models.files.model_folder import (
    CONFIG_PATTERNS,
    SAFETENSORS_PATTERNS,
    matches,
    read_json,
)
from shared.messages.message import Message, say
from shared.model_folders import WEIGHT_FILES

_SHOWN = 4


@dataclass(frozen=True)
class Missing:
    """`bytes` of all files that are missing, None if not known; `begun_bytes` lie there unfinished."""

    names: tuple[str, ...]
    bytes: int | None
    begun_bytes: int

    def described(self) -> tuple[Message, ...]:
        """One sentence after the other."""
        more = max(0, len(self.names) - _SHOWN)
        sentences = [say("files-missing", files=self.names[:_SHOWN], more=more)]
        if self.bytes:
            sentences.append(say("files-missing-size", missing_bytes=self.bytes))
        if self.begun_bytes:
            sentences.append(say("download-begun", begun_bytes=self.begun_bytes))
        return tuple(sentences)


def what_is_missing(snapshot: Path) -> Missing | None:
    """None for a snapshot that has its config.json and all weights that its index or the hub's list names."""
    tree = _json(snapshot.parent.parent / "trees" / f"{snapshot.name}.json").get("files")
    listed = tree if isinstance(tree, dict) else {}
    wanted = {name for name in listed if matches(name, CONFIG_PATTERNS + SAFETENSORS_PATTERNS)}
    indexed, total = _indexed(snapshot)
    wanted |= {"config.json", *indexed}
    names = tuple(sorted(name for name in wanted if not (snapshot / name).is_file()))
    if not names and any((snapshot / name).is_file() for name in WEIGHT_FILES):
        return None
    if not indexed and not any(name.endswith(".safetensors") for name in (*names, *listed)):
        if any((snapshot / name).is_file() for name in WEIGHT_FILES):
            return Missing(names, None, _begun_bytes(snapshot))
        names = (*names, "the weights")
    return Missing(names, _bytes(snapshot, names, listed, indexed, total), _begun_bytes(snapshot))


def _indexed(snapshot: Path) -> tuple[set[str], int | None]:
    """The shards that the index names, and the bytes of all of them."""
    for name in WEIGHT_FILES:
        if name.endswith(".index.json") and (snapshot / name).is_file():
            index = _json(snapshot / name)
            shards, metadata = index.get("weight_map"), index.get("metadata")
            total = metadata.get("total_size") if isinstance(metadata, dict) else None
            named = shards.values() if isinstance(shards, dict) else ()
            return {str(shard) for shard in named}, total if isinstance(total, int) else None
    return set(), None


def _bytes(
    snapshot: Path, names: tuple[str, ...], listed: Mapping[str, Any], indexed: set[str], total: int | None
) -> int | None:
    sizes = [entry.get("size") if isinstance(entry := listed.get(name), dict) else None for name in names]
    if all(isinstance(number, int) for number in sizes):
        return sum(number for number in sizes if number is not None)
    if total is None or not indexed & set(names):
        return None
    present = sum((snapshot / name).stat().st_size for name in indexed if (snapshot / name).is_file())
    return max(0, total - present) or None


def _begun_bytes(snapshot: Path) -> int:
    blobs = snapshot.parent.parent / "blobs"
    return sum(path.stat().st_size for path in blobs.glob("*.incomplete") if path.is_file())


def _json(path: Path) -> dict[str, Any]:
    try:
        return read_json(path) if path.is_file() else {}
    except JobFailed:
        return {}
