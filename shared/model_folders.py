"""The folders that models lie in: which names they have, and what is wrong with one, by its files' names.

A model may lie directly in such a folder or one level deeper, as people copy it from the hub: `ORG/NAME`.
"""

import json
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from shared.messages.message import Message, say
from shared.sealed_folder import MANIFEST
from shared.visible import visible

KEPT_COPIES = ("nf4", "safetensors")  # in their manifests: what the worker made of other models
WEIGHT_FILES = (
    "model.safetensors",
    "model.safetensors.index.json",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
)
_LONGEST_NAME_BYTES = 255
_LONGEST_JSON_BYTES = 1024**2
_MOST_ENTRIES = 10_000
_SHOWN = 4
_POINTER = b"version https://git-lfs"

Lack = Literal["model_not_found", "model_unreadable", "model_unsupported"]


@dataclass(frozen=True)
class Wrong:
    """Why a folder can't be used as a base model, and what to do."""

    lack: Lack
    message: Message
    remedy: Message


def is_folder_name(name: str) -> bool:
    """Whether it is one folder's own name that a request may give; spaces, brackets and any script may be."""
    whole = bool(name) and not name.startswith((".", "ft:")) and not {"/", "\\"} & set(name)
    return (
        whole
        and name == name.strip()
        and name.isprintable()
        and len(name.encode("utf-8", "replace")) <= _LONGEST_NAME_BYTES
    )


def model_folder(model: str, folders: tuple[Path, ...]) -> Path | None:
    """The first of `folders` with a folder `model`, directly in it or as `ORG/NAME` below it.

    Hangul that macOS wrote is spelled otherwise and is the same name.
    """
    parts = model.split("/")
    if len(parts) > 2 or not all(is_folder_name(part) for part in parts):
        return None
    return next((found for folder in folders if (found := _below(folder, parts)) is not None), None)


def model_folder_names(folders: tuple[Path, ...]) -> list[str]:
    """Names of all folders with a model (a `config.json`), sorted; without copies that we keep of others."""
    return sorted({name for folder in folders for name in _names_in(folder)})


def what_is_wrong(folder: Path, name: str) -> Wrong | None:
    """Why `folder`, which people call `name`, is no base model, by its files' names.

    Its weights are another question.
    """
    names = entries(folder)
    if "adapter_config.json" in names:
        return _is_adapter(folder, name)
    if (folder / "config.json").is_file():
        return _is_pointer(folder, "config.json", name)
    if not names:
        return Wrong("model_unreadable", say("folder-empty", folder=name), say("copy-whole-model"))
    if gguf := _with_suffix(names, ".gguf"):
        return _is_gguf(gguf, name)
    if deeper := _one_level_deeper(folder, names, name):
        return deeper
    lack = say("folder-without-config", folder=name, files=_shown(names), more=_unshown(names))
    return Wrong("model_unreadable", lack, say("copy-whole-model"))


def what_weights_lack(folder: Path, name: str) -> Wrong | None:
    """Why the weights in `folder`, which people call `name`, can't be loaded, as far as names tell.

    None where there are some.
    """
    names = entries(folder)
    if present := [file for file in WEIGHT_FILES if file in names]:
        return _is_pointer(folder, present[0], name)
    if shards := [file for file in names if _is_shard(file)]:
        index = "model.safetensors.index.json" if ".safetensors" in shards[0] else WEIGHT_FILES[3]
        return Wrong(
            "model_unreadable",
            say("shards-without-index", folder=name, count=len(shards), index=index),
            say("copy-index", index=index),
        )
    if other := [file for file in names if file.startswith("consolidated")]:
        return Wrong(
            "model_unreadable",
            say("weights-of-another-form", folder=name, files=_shown(other), more=_unshown(other)),
            say("take-safetensors"),
        )
    if gguf := _with_suffix(names, ".gguf"):
        return _is_gguf(gguf, name)
    return Wrong(
        "model_unreadable",
        say("folder-without-weights", folder=name, files=_shown(names), more=_unshown(names)),
        say("copy-weights"),
    )


def entries(folder: Path) -> list[str]:
    """The names in a folder, sorted, at most ten thousand; none where it can't be read."""
    try:
        return sorted(path.name for path, _ in zip(folder.iterdir(), range(_MOST_ENTRIES), strict=False))
    except OSError:
        return []


def _below(folder: Path, parts: list[str]) -> Path | None:
    for part in parts:
        if not (folder / part).is_dir():
            wanted = unicodedata.normalize("NFC", part)
            same = (name for name in entries(folder) if unicodedata.normalize("NFC", name) == wanted)
            part = next((name for name in same if (folder / name).is_dir()), part)
        folder = folder / part
        if not folder.is_dir():
            return None
    return folder


def _names_in(folder: Path) -> Iterator[str]:
    for name in filter(is_folder_name, entries(folder)):
        if (folder / name / "config.json").is_file():
            if not _is_kept_copy(folder / name):
                yield name
            continue  # what lies below a model belongs to it
        for inner in filter(is_folder_name, entries(folder / name)):
            if (folder / name / inner / "config.json").is_file():
                yield f"{name}/{inner}"


def _is_kept_copy(folder: Path) -> bool:
    """Whether the worker made it of another model: converted from pickles, or quantized."""
    return _read(folder / MANIFEST).get("kind") in KEPT_COPIES


def _is_adapter(folder: Path, name: str) -> Wrong:
    base = _read(folder / "adapter_config.json").get("base_model_name_or_path")
    if not isinstance(base, str) or not base:
        return Wrong("model_unsupported", say("folder-is-adapter", folder=name), say("name-base-of-adapter"))
    base = visible(base[:200])
    return Wrong(
        "model_unsupported",
        say("folder-is-adapter-of", folder=name, base=base),
        say("name-this-base-of-adapter", base=base),
    )


def _is_gguf(files: list[str], name: str) -> Wrong:
    return Wrong(
        "model_unsupported",
        say("folder-is-gguf", folder=name, files=_shown(files), more=_unshown(files)),
        say("name-origin-of-gguf"),
    )


def _is_pointer(folder: Path, file: str, name: str) -> Wrong | None:
    """Whether a file is only Git LFS's note of where the file is."""
    if not _begins_with(folder / file, _POINTER):
        return None
    return Wrong(
        "model_unreadable", say("pointer-in-place-of-file", folder=name, file=file), say("pull-large-files")
    )


def _begins_with(path: Path, start: bytes) -> bool:
    """Nothing but a plain file is opened: a pipe would never answer."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return file.read(len(start)) == start
    except OSError:
        return False


def _one_level_deeper(folder: Path, names: list[str], name: str) -> Wrong | None:
    inner = [file for file in names if (folder / file / "config.json").is_file()]
    if inner and is_folder_name(inner[0]):
        return Wrong(
            "model_unreadable",
            say("model-one-level-deeper", folder=name, files=_shown(inner), more=_unshown(inner)),
            say("name-inner-folder", model=f"{folder.name}/{inner[0]}"),
        )
    if "snapshots" in names:
        return Wrong("model_unreadable", say("folder-of-hub-cache", folder=name), say("name-hub-id-instead"))
    return None


def _is_shard(name: str) -> bool:
    return "-of-" in name and name.endswith((".safetensors", ".bin"))


def _read(path: Path) -> dict[str, Any]:
    """A small JSON object; empty where there is none."""
    try:
        if not path.is_file() or path.stat().st_size > _LONGEST_JSON_BYTES:
            return {}
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _with_suffix(names: list[str], suffix: str) -> list[str]:
    return [name for name in names if name.casefold().endswith(suffix)]


def _shown(names: list[str]) -> list[str]:
    """The first of them, for a message that also says how many are `_unshown`."""
    return [visible(name) for name in names[:_SHOWN]]


def _unshown(names: list[str]) -> int:
    return max(0, len(names) - _SHOWN)
