"""Whether a model's files hold the bytes that their source names, as far as a few seconds can tell."""

import hashlib
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from services.worker.failures import JobFailed
from services.worker.models.files.model_folder import CONFIG_PATTERNS, matches, read_json
from services.worker.models.reading.cached_pages import cached_pages, make_cold
from shared.messages.message import Message, say
from shared.reports.model_files import FileHash
from shared.sealed_folder import MANIFEST

HASH_SECONDS = 10.0  # for all files of a model; a gigabyte takes about a second
READ_SECONDS = 1.0  # what is not in memory is read only if that is quick
_IN_MEMORY = 0.95
_MOSTLY_OUT = 0.5
_PIECE_BYTES = 16 * 1024**2
_SHA256, _GIT_SHA1 = re.compile(r"[0-9a-f]{64}"), re.compile(r"[0-9a-f]{40}")


class Expected(NamedTuple):
    """What a source says of a file. `digest` is a SHA-256 or, with 40 signs, git's own name of a blob."""

    digest: str
    named_by: Literal["hub", "manifest"]
    bytes: int | None = None


class _Late(Exception):
    """There is no time to go on."""


def compare_hashes(
    folder: Path,
    weights: Iterable[str],
    *,
    read_seconds: Callable[[int], float | None],
    tick: Callable[[], None],
    seconds: float = HASH_SECONDS,
) -> tuple[FileHash, ...]:
    """Compare the files `weights` in `folder`, and config and tokenizer, with what their source says of them.

    Sizes first, which cost nothing. Then the bytes: of what is in memory for at most `seconds` in all, of
    other files those that storage delivers at once (`read_seconds` predicts it). Files of which no source
    speaks are left out. `tick` is called between pieces and may raise.
    """
    beside = [path.name for path in sorted(folder.iterdir()) if matches(path.name, CONFIG_PATTERNS)]
    present = [name for name in dict.fromkeys([*beside, *weights]) if (folder / name).is_file()]
    comparison = _Comparison(time.monotonic() + seconds, read_seconds, tick)
    expected = _expected(folder, present)
    smallest_first = sorted(expected, key=lambda name: (folder / name).stat().st_size)
    return tuple(comparison.of(folder / name, expected[name]) for name in smallest_first)


@dataclass(frozen=True)
class _Comparison:
    """One pass over a model's files; `deadline` by the monotonic clock."""

    deadline: float
    read_seconds: Callable[[int], float | None]
    tick: Callable[[], None]

    def of(self, path: Path, expected: Expected) -> FileHash:
        size = path.stat().st_size
        if expected.bytes is not None and expected.bytes != size:
            other = say("other-size-piece", count=size, expected=expected.bytes)
            return _answer(path, expected, False, other)
        cached = cached_pages(path)
        wait = self.read_seconds(max(0, size - (cached.cached_bytes or 0))) or 0.0
        if (cached.ratio or 0.0) < _IN_MEMORY and wait > READ_SECONDS:
            slow = say("not-in-memory-piece", wait_seconds=wait)
            return _answer(path, expected, None, slow)
        try:
            same = self._digest(path, size, expected.digest) == expected.digest
        except _Late:
            return _answer(path, expected, None, say("hashing-slow-piece", limit_seconds=HASH_SECONDS))
        finally:
            if (cached.ratio or 0.0) < _MOSTLY_OUT:
                make_cold(path)
        wrong = say("other-hash-piece", named_by=expected.named_by)
        return _answer(path, expected, same, None if same else wrong)

    def _digest(self, path: Path, size: int, like: str) -> str:
        """The file's hash, of the kind that `like` is."""
        digest = hashlib.sha256()
        if len(like) == 40:
            digest = hashlib.sha1(f"blob {size}\0".encode(), usedforsecurity=False)
        with path.open("rb", buffering=0) as stream:
            while piece := stream.read(_PIECE_BYTES):
                if time.monotonic() > self.deadline:
                    raise _Late
                self.tick()
                digest.update(piece)
        return digest.hexdigest()


def _answer(path: Path, expected: Expected, same: bool | None, reason: Message | None) -> FileHash:
    return FileHash(name=path.name, named_by=expected.named_by, matches=same, reason=reason)


def _expected(folder: Path, names: Iterable[str]) -> dict[str, Expected]:
    manifest, tree = _manifest(folder), _tree(folder)
    found = {
        name: manifest.get(name) or tree.get(name) or _by_link(folder / name) or _by_download(folder / name)
        for name in names
    }
    return {name: expected for name, expected in found.items() if expected is not None}


def _manifest(folder: Path) -> dict[str, Expected]:
    """Of a copy that we made ourselves."""
    files = _json(folder / MANIFEST).get("files")
    return {
        name: Expected(file["sha256"], "manifest", file.get("bytes"))
        for name, file in (files if isinstance(files, dict) else {}).items()
        if isinstance(file, dict) and _is_digest(file.get("sha256"))
    }


def _tree(folder: Path) -> dict[str, Expected]:
    """The hub's list of a revision's files, which huggingface_hub keeps beside its snapshots."""
    files = _json(folder.parent.parent / "trees" / f"{folder.name}.json").get("files")
    return {
        name: Expected(str(digest), "hub", file.get("size"))
        for name, file in (files if isinstance(files, dict) else {}).items()
        if isinstance(file, dict) and _is_digest(digest := file.get("lfs_sha256") or file.get("blob_id"))
    }


def _by_link(path: Path) -> Expected | None:
    """A file of the hub's cache is a link to a blob that is named by its hash."""
    blob = path.readlink() if path.is_symlink() else None
    if blob is None or blob.parent.name != "blobs" or not _is_digest(blob.name):
        return None
    return Expected(blob.name, "hub")


def _by_download(path: Path) -> Expected | None:
    """`hf download --local-dir` notes a file's commit, hash and time, a line each."""
    note = path.parent / ".cache/huggingface/download" / f"{path.name}.metadata"
    try:
        digest = note.read_text(encoding="utf-8").splitlines()[1].strip()
    except (OSError, ValueError, IndexError):
        return None
    return Expected(digest, "hub") if _is_digest(digest) else None


def _json(path: Path) -> Mapping[str, Any]:
    try:
        return read_json(path) if path.is_file() else {}
    except JobFailed:
        return {}


def _is_digest(text: object) -> bool:
    return isinstance(text, str) and bool(_SHA256.fullmatch(text) or _GIT_SHA1.fullmatch(text))
