"""A model's folder on disk: found by name below a root, refused when it reaches outside itself."""

import fnmatch
import json
from pathlib import Path
from typing import Any

from services.worker.failures import FailureCode, JobFailed
from shared.model_names import model_folder

# The files a causal language model is loaded from; code (*.py) is not among them.
CONFIG_PATTERNS = (
    "config.json",
    "generation_config.json",
    "tokenizer*",
    "vocab*",
    "merges.txt",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template*",
    "spiece.model",
    "LICENSE*",
)
SAFETENSORS_PATTERNS = ("model*.safetensors", "model.safetensors.index.json")
PICKLE_PATTERNS = ("pytorch_model*.bin", "pytorch_model.bin.index.json")
LONGEST_JSON_BYTES = 64 * 1024**2


def find_model_folder(name: str, root: Path) -> Path | None:
    """The model folder `name` in `root` as a resolved path; None if there is none of that name.

    The folder itself may be a symbolic link (who owns `root` put it there); its files may not lead out of it.
    Raises JobFailed: MODEL_UNREADABLE without a config.json, MODEL_REFUSED for a file that leads out.
    """
    found = model_folder(name, (root,))
    if found is None:
        return None
    folder = found.resolve()
    if not (folder / "config.json").is_file():
        raise JobFailed(
            FailureCode.MODEL_UNREADABLE,
            f"model folder {name!r} has no config.json",
            "copy the whole model into it: config.json, tokenizer and weights",
        )
    refuse_outside_links(folder)
    return folder


def refuse_outside_links(folder: Path) -> None:
    """Raise JobFailed(MODEL_REFUSED) when a file of the model is a link to somewhere else.

    A snapshot of the hub's cache is all links into that cache; those are its own files.
    """
    roots = _own_roots(folder)
    for file in sorted(folder.iterdir()):
        target = file.resolve()
        if file.is_symlink() and not any(target.is_relative_to(root) for root in roots):
            raise JobFailed(
                FailureCode.MODEL_REFUSED,
                f"{file.name} in model folder {folder.name!r} is a link to a file outside that folder",
                "copy the file into the folder, or link the whole folder instead",
            )


def _own_roots(folder: Path) -> list[Path]:
    repository = folder.parent.parent
    return [repository, repository.parent / "blobs"] if is_snapshot(folder) else [folder]


def is_snapshot(folder: Path) -> bool:
    """Whether a model's folder is a revision in a Hugging Face cache."""
    return folder.parent.name == "snapshots" and folder.parent.parent.name.startswith("models--")


def matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns) and not name.endswith(".py")


def read_json(path: Path) -> dict[str, Any]:
    """Read a model's JSON file of bounded size. Raises JobFailed(MODEL_UNREADABLE)."""
    try:
        if (size := path.stat().st_size) > LONGEST_JSON_BYTES:
            raise ValueError(f"{size} bytes, more than {LONGEST_JSON_BYTES}")
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ValueError(f"a JSON {type(content).__name__} where an object belongs")
        return content
    except (OSError, ValueError, RecursionError) as error:
        raise JobFailed(
            FailureCode.MODEL_UNREADABLE,
            f"{path.name} in model folder {path.parent.name!r} can't be read: {error}",
            "fetch the model again, or repair the file",
        ) from error


def manifest_id(folder: Path) -> str | None:
    """The id in a prepared checkpoint's manifest.json; None where there is no manifest."""
    manifest = folder / "manifest.json"
    return str(read_json(manifest).get("id")) if manifest.is_file() else None
