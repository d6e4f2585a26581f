"""The folders that models lie in: which names they have, and what is wrong with one, by its files' names.

A model may lie directly in such a folder or one level deeper, as people copy it from the hub: `ORG/NAME`.
"""

import json
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from shared.sealed_folder import MANIFEST

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
    """Why a folder can't be used as a base model: `message` goes on from the folder's name."""

    lack: Lack
    message: str
    remedy: str


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


def what_is_wrong(folder: Path) -> Wrong | None:
    """Why `folder` is no base model, by its files' names; its weights are another question."""
    names = entries(folder)
    if "adapter_config.json" in names:
        return _is_adapter(folder)
    if (folder / "config.json").is_file():
        return _is_pointer(folder, "config.json")
    if not names:
        return Wrong("model_unreadable", "is empty", _COPY_ALL)
    if gguf := [name for name in names if name.casefold().endswith(".gguf")]:
        return _is_gguf(gguf)
    if deeper := _one_level_deeper(folder, names):
        return deeper
    return Wrong("model_unreadable", f"has no config.json; it holds {_listed(names)}", _COPY_ALL)


def what_weights_lack(folder: Path) -> Wrong | None:
    """Why the weights in `folder` can't be loaded, as far as names tell; None where there are some."""
    names = entries(folder)
    if present := [name for name in WEIGHT_FILES if name in names]:
        return _is_pointer(folder, present[0])
    if shards := [name for name in names if _is_shard(name)]:
        index = "model.safetensors.index.json" if ".safetensors" in shards[0] else WEIGHT_FILES[3]
        return Wrong(
            "model_unreadable",
            f"has {len(shards)} shards of weights ({_listed(shards)}) but not the index {index} that says "
            "what is in which",
            f"copy {index} of the same model into the folder, too",
        )
    if other := [name for name in names if name.startswith("consolidated")]:
        return Wrong(
            "model_unreadable",
            f"has its weights as {_listed(other)}, a form that transformers does not load",
            "take the model.safetensors files of the same model",
        )
    if gguf := [name for name in names if name.casefold().endswith(".gguf")]:
        return _is_gguf(gguf)
    return Wrong(
        "model_unreadable",
        f"has no weights: neither model.safetensors nor pytorch_model.bin nor an index of shards; it holds "
        f"{_listed(names)}",
        "copy the weights into it: model.safetensors, or all its shards with their index",
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


def _is_adapter(folder: Path) -> Wrong:
    base = _read(folder / "adapter_config.json").get("base_model_name_or_path")
    named = repr(base[:200]) if isinstance(base, str) and base else None
    of = f" of the base model {named}" if named else ""
    return Wrong(
        "model_unsupported",
        f"holds adapter_config.json: it is an adapter{of}, not a base model",
        f"name {f'{named}, or the folder it lies in,' if named else 'the base model it was made from'} "
        "to train a new adapter; to go on from this adapter, merge it into its base first (merge_and_unload "
        "of PEFT) and copy the result into the models folder",
    )


def _is_gguf(names: list[str]) -> Wrong:
    return Wrong(
        "model_unsupported",
        f"holds {_listed(names)}: GGUF is llama.cpp's form, which can't be trained",
        "name the model it was made from: config.json, tokenizer and safetensors as transformers saves them",
    )


def _is_pointer(folder: Path, name: str) -> Wrong | None:
    """Whether a file is only Git LFS's note of where the file is."""
    if not _begins_with(folder / name, _POINTER):
        return None
    return Wrong(
        "model_unreadable",
        f"has a Git LFS pointer in place of {name}: the repository was cloned without its large files",
        "run `git lfs pull` in the folder, or download the model anew",
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


def _one_level_deeper(folder: Path, names: list[str]) -> Wrong | None:
    inner = [name for name in names if (folder / name / "config.json").is_file()]
    if inner and is_folder_name(inner[0]):
        return Wrong(
            "model_unreadable",
            f"has no config.json; the model lies one level deeper, in {_listed(inner)}",
            f"name {f'{folder.name}/{inner[0]}'!r}, or move its files up",
        )
    if "snapshots" in names:
        return Wrong(
            "model_unreadable",
            "is an entry of a Hugging Face cache, whose files lie in `snapshots` below it",
            "name the model by its hub id, or copy one snapshot's files (cp -rL) into the folder itself",
        )
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


def _listed(names: list[str]) -> str:
    shown = [name if name.isprintable() else repr(name) for name in names[:_SHOWN]]
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(shown) + more


_COPY_ALL = "copy the whole model into it: config.json, tokenizer and weights"
