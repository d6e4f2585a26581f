"""A model's folder on disk: its files by kind, refused when it reaches outside itself."""

import fnmatch
import json
from pathlib import Path
from typing import Any

from services.worker.failures import FailureCode, JobFailed
from shared.look_alikes import LookAlike, stand_in_file
from shared.messages.message import Message, say
from shared.sealed_folder import MANIFEST
from shared.visible import visible

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
INDEX_PATTERNS = ("*.index.json", "adapter_config.json")
PICKLE_PATTERNS = ("pytorch_model*.bin", "pytorch_model.bin.index.json")
# A config that names every layer has 1 MB, the index of 90,000 tensors 9 MB; Gemma's tokenizer.json of 33 MB
# is read by its own library.
LONGEST_CONFIG_BYTES = 4 * 1024**2
LONGEST_JSON_BYTES = 16 * 1024**2
LONGEST_TOKENIZER_BYTES = 64 * 1024**2
_HARMLESS_BYTES, _LEAST_BYTES_PER_BRACE = 512 * 1024, 20


def own_folder(folder: Path) -> Path:
    """A model folder's real path.

    The folder itself may be a symbolic link (who owns the models folder put it there); its files may not lead
    out of it. Raises JobFailed(MODEL_REFUSED) for a file that does.
    """
    real = folder.resolve()
    refuse_outside_links(real)
    return real


def refuse_outside_links(folder: Path) -> None:
    """Raise JobFailed(MODEL_REFUSED) when a file of the model is a link to somewhere else.

    A snapshot of the hub's cache is all links into that cache; those are its own files.
    """
    for file in sorted(folder.iterdir()):
        if leads_out(file, folder):
            raise JobFailed(
                FailureCode.MODEL_REFUSED,
                say("file-leads-outside", file=visible(file.name), folder=folder.name),
                say("copy-linked-file"),
            )


def leads_out(file: Path, folder: Path) -> bool:
    """Whether `file`, in the model's `folder` or below it, is a link to somewhere else, or in a circle."""
    if not file.is_symlink():
        return False
    try:
        target = file.resolve()
    except (OSError, RuntimeError):  # Python before 3.13 raises RuntimeError for a circle
        return True
    return not any(target.is_relative_to(root) for root in _own_roots(folder))


def refuse_odd_files(folder: Path) -> None:
    """Raise JobFailed(MODEL_UNREADABLE) when a file that libraries read whole is a device, or huge.

    A pipe or a device would never end, and nobody who reads `tokenizer_config.json` asks for its size.
    Folders and links to nothing are as good as absent.
    """
    for path in sorted(folder.iterdir()):
        if not matches(path.name, CONFIG_PATTERNS + INDEX_PATTERNS) or path.is_dir() or not path.exists():
            continue
        if (oddity := _oddity(path)) is not None:
            raise JobFailed(FailureCode.MODEL_UNREADABLE, oddity, say("fetch-or-remove-file"))


def _oddity(path: Path) -> Message | None:
    name = visible(path.name)
    if not path.is_file():
        return say("file-not-plain", file=name, folder=path.parent.name)
    size, limit = path.stat().st_size, longest_bytes(path.name)
    if size > limit:
        return _too_large(path, size, limit)
    # Nested lists take 27 times their JSON as Python's objects, and libraries copy them. What describes tens
    # of thousands of tokens has a brace in a hundred bytes.
    if size > _HARMLESS_BYTES and path.suffix == ".json" and path.name != "tokenizer.json":
        content = path.read_bytes()
        if (content.count(b"[") + content.count(b"{")) * _LEAST_BYTES_PER_BRACE > size:
            return say("file-nests-too-much", file=name, folder=path.parent.name)
    return None


def _too_large(path: Path, size: int, limit: int) -> Message:
    return say(
        "model-file-too-large",
        file=visible(path.name),
        folder=path.parent.name,
        file_bytes=size,
        most_bytes=limit,
    )


def _own_roots(folder: Path) -> list[Path]:
    repository = folder.parent.parent
    return [repository, repository.parent / "blobs"] if is_snapshot(folder) else [folder]


def is_snapshot(folder: Path) -> bool:
    """Whether a model's folder is a revision in a Hugging Face cache."""
    return folder.parent.name == "snapshots" and folder.parent.parent.name.startswith("models--")


def matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns) and not name.endswith(".py")


def longest_bytes(name: str) -> int:
    """What a model's file of that name beside the weights may have."""
    if name == "config.json":
        return LONGEST_CONFIG_BYTES
    return LONGEST_TOKENIZER_BYTES if name in ("tokenizer.json", "tokenizer.model") else LONGEST_JSON_BYTES


def read_json(path: Path) -> dict[str, Any]:
    """Read a model's JSON file of bounded size. Raises JobFailed(MODEL_UNREADABLE)."""
    file, folder = visible(path.name), path.parent.name
    try:
        if (size := path.stat().st_size) > (limit := longest_bytes(path.name)):
            raise _unreadable(_too_large(path, size, limit))
        if instead := stand_in_file(path):
            raise stands_in(path, instead)
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(say("json-not-read", file=file, folder=folder, error=str(error))) from error
    if not isinstance(content, dict):
        raise _unreadable(say("json-no-object", file=file, folder=folder, kind=type(content).__name__))
    return content


def stands_in(file: Path, instead: LookAlike) -> JobFailed:
    """The failure of a model's file in whose place lies something else."""
    return JobFailed(
        FailureCode.MODEL_UNREADABLE,
        say("stand-in", file=visible(file.name), what=instead.what.message),
        instead.remedy.message,
    )


def _unreadable(message: Message) -> JobFailed:
    return JobFailed(FailureCode.MODEL_UNREADABLE, message, say("fetch-or-repair-file"))


def manifest_id(folder: Path) -> str | None:
    """The id in a prepared checkpoint's manifest.json; None where there is no manifest."""
    manifest = folder / MANIFEST
    return str(read_json(manifest).get("id")) if manifest.is_file() else None
