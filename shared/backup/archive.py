"""The file of a backup: a tar whose last member has the hashes of all others; it is read with suspicion.

`store.jsonl` comes first, `data/…` after it, `backup.json` last. Whoever reads one takes nothing from it
before all of it was read once and every hash was right.
"""

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO, Any

from shared.backup.contents import PARTS
from shared.messages.message import Message, say

FORMAT = 1
MANIFEST, STORE, DATA = "backup.json", "store.jsonl", "data"
LONGEST_MANIFEST_BYTES = 1024**3
READ_BYTES = 1024**2
_PLAIN = (tarfile.REGTYPE, tarfile.AREGTYPE)
OnBytes = Callable[[int], None]


class BackupUnusable(Exception):
    """A file that is no backup, or not whole, or that wants more than a backup may."""

    def __init__(self, said: Message) -> None:
        super().__init__(said.message_id)
        self.said = said


@dataclass
class BackupWriter:
    """Writes one member after the other; `finish` writes the hashes."""

    out: IO[bytes]
    on_bytes: OnBytes = lambda _: None
    _files: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._tar = tarfile.open(fileobj=self.out, mode="w|", format=tarfile.PAX_FORMAT)  # noqa: SIM115 closed by `finish`

    def add_bytes(self, name: str, content: bytes) -> None:
        self._add(name, io.BytesIO(content), len(content), 0.0)

    def add_spooled(self, name: str, file: IO[bytes]) -> None:
        """A file that was written from its beginning."""
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        self._add(name, file, size, 0.0)

    def add_file(self, name: str, path: Path) -> bool:
        """As much as the file has when it is opened; False if it has gone. Raises OSError."""
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return False
        with file:
            seen = os.fstat(file.fileno())
            self._add(name, file, seen.st_size, seen.st_mtime)
        return True

    def finish(self, facts: Mapping[str, Any]) -> None:
        manifest = {"format": FORMAT, **facts, "files": self._files}
        content = json.dumps(manifest, indent=1).encode()
        self._tar.addfile(_member(MANIFEST, len(content), 0.0), io.BytesIO(content))
        self._tar.close()

    def _add(self, name: str, file: IO[bytes], size: int, mtime: float) -> None:
        hashed = _Hashed(file, self.on_bytes)
        self._tar.addfile(_member(name, size, mtime), hashed)
        self._files[name] = {"bytes": size, "sha256": hashed.digest.hexdigest()}


class _Hashed:
    """A file that is hashed while the tar reads it."""

    def __init__(self, file: IO[bytes], on_bytes: OnBytes) -> None:
        self.digest = hashlib.sha256()
        self._file = file
        self._on_bytes = on_bytes

    def read(self, size: int = -1) -> bytes:
        piece = self._file.read(size)
        self.digest.update(piece)
        self._on_bytes(len(piece))
        return piece


def check_backup(path: Path, on_bytes: OnBytes = lambda _: None) -> dict[str, Any]:
    """The manifest of a backup that is whole. Raises `BackupUnusable` and OSError."""
    with _understood(path):
        seen, manifest = _read_whole(path, on_bytes)
    if manifest is None or STORE not in seen:
        raise BackupUnusable(say("backup-is-cut"))
    for name in seen.keys() | manifest["files"].keys():
        if seen.get(name) != manifest["files"].get(name):
            raise BackupUnusable(say("backup-file-differs", name=name))
    return manifest


def unpack(path: Path, folder: Path, on_bytes: OnBytes = lambda _: None) -> None:
    """Write what a checked backup holds below `folder`, which is empty, under the members' names.

    Raises `BackupUnusable` and OSError.
    """
    with _understood(path):
        for member, file in _members(path):
            if member.name != MANIFEST:
                _write(folder / PurePosixPath(member.name), file, on_bytes)
                os.utime(folder / PurePosixPath(member.name), (member.mtime, member.mtime))


def _write(target: Path, file: IO[bytes], on_bytes: OnBytes) -> None:
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as written:
        while piece := file.read(READ_BYTES):
            written.write(piece)
            on_bytes(len(piece))


def _read_whole(path: Path, on_bytes: OnBytes) -> tuple[dict[str, dict[str, Any]], dict[str, Any] | None]:
    """What each member is, and the manifest, which is the last."""
    seen: dict[str, dict[str, Any]] = {}
    manifest: dict[str, Any] | None = None
    for member, file in _members(path):
        if manifest is not None or member.name in seen:
            raise BackupUnusable(say("backup-has-more", name=repr(member.name)[:200]))
        if member.name == MANIFEST:
            manifest = _manifest(file.read(LONGEST_MANIFEST_BYTES))
        else:
            seen[member.name] = {"bytes": member.size, "sha256": _sha256(file, on_bytes)}
    return seen, manifest


def _members(path: Path) -> Iterator[tuple[tarfile.TarInfo, IO[bytes]]]:
    """Every member, once its name and its kind are such as a backup has."""
    with tarfile.open(path, mode="r:") as tar:
        for member in tar:
            _require_plain(member)
            file = tar.extractfile(member)
            assert file is not None
            yield member, file


@contextmanager
def _understood(path: Path) -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, EOFError, ValueError, OverflowError) as error:
        raise BackupUnusable(say("backup-unreadable", file=path, error=str(error)[:200])) from error


def _require_plain(member: tarfile.TarInfo) -> None:
    parts = member.name.split("/")
    is_named = member.name in (MANIFEST, STORE) or (len(parts) > 1 and parts[0] == DATA and parts[1] in PARTS)
    climbs = any(part in ("", ".", "..") or "\0" in part for part in parts)
    if not is_named or climbs or member.type not in _PLAIN or member.issparse():
        raise BackupUnusable(say("backup-has-more", name=repr(member.name)[:200]))


def _manifest(content: bytes) -> dict[str, Any]:
    try:
        manifest = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BackupUnusable(say("backup-is-cut")) from error
    if not isinstance(manifest, dict) or not isinstance(manifest.get("files"), dict):
        raise BackupUnusable(say("backup-is-cut"))
    if manifest.get("format") != FORMAT:
        raise BackupUnusable(
            say("backup-of-other-format", format=str(manifest.get("format"))[:20], known=FORMAT)
        )
    return manifest


def _sha256(file: IO[bytes], on_bytes: OnBytes) -> str:
    digest = hashlib.sha256()
    while piece := file.read(READ_BYTES):
        digest.update(piece)
        on_bytes(len(piece))
    return digest.hexdigest()


def _member(name: str, size: int, mtime: float) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = size, 0o600, mtime
    return member
