"""An adapter as a tar archive, made while it is sent: its length is known before the first byte."""

import json
import struct
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flask import Response

from shared.adapters import CONFIG, WEIGHTS
from shared.family_names import FamilyNames

METADATA = "__metadata__"
PIECE_BYTES = 1024**2


@dataclass(frozen=True)
class Member:
    """One file of the archive: its header as it stands in the archive, its place, its size.

    `beginning` is sent in the place of the file's first `skipped_bytes`.
    """

    header: bytes
    path: Path
    size_bytes: int
    beginning: bytes = b""
    skipped_bytes: int = 0

    @property
    def padding_bytes(self) -> int:
        return -self.size_bytes % tarfile.BLOCKSIZE

    @property
    def archived_bytes(self) -> int:
        return len(self.header) + self.size_bytes + self.padding_bytes


@dataclass(frozen=True)
class AdapterArchive:
    """All files of one folder under the archive's own name; the same adapter makes the same bytes."""

    name: str
    members: tuple[Member, ...]

    @classmethod
    def of(cls, folder: Path, *, name: str, made_at: float) -> "AdapterArchive":
        paths = sorted(path for path in folder.iterdir() if path.is_file() and not path.is_symlink())
        return cls(name, tuple(_member(path, f"{name}/{path.name}", made_at) for path in paths))

    @classmethod
    def of_checkpoint(
        cls, folder: Path, *, name: str, made_at: float, renamed: FamilyNames | None
    ) -> "AdapterArchive":
        """What `peft` reads of a checkpoint, under its repository's names where it runs `renamed`.

        Raises `UnknownModule`.
        """
        config, weights = folder / CONFIG, folder / WEIGHTS
        members = [_member(path, f"{name}/{path.name}", made_at) for path in (config, weights)]
        if renamed is not None:
            length, header = _safetensors_header(weights)
            entries = {
                key if key == METADATA else renamed.original_key(key): value for key, value in header.items()
            }
            fields = renamed.original_config(json.loads(config.read_bytes()), header.keys() - {METADATA})
            text = json.dumps(fields, indent=1, sort_keys=True).encode()
            members = [
                _begun_otherwise(members[0], text, skipped_bytes=members[0].size_bytes),
                _begun_otherwise(members[1], _header_bytes(entries), skipped_bytes=8 + length),
            ]
        return cls(name, tuple(members))

    @property
    def size_bytes(self) -> int:
        return sum(member.archived_bytes for member in self.members) + 2 * tarfile.BLOCKSIZE

    @property
    def filename(self) -> str:
        return f"{self.name}.tar"

    def pieces(self) -> Iterator[bytes]:
        for member in self.members:
            yield member.header
            yield from _content(member)
            yield bytes(member.padding_bytes)
        yield bytes(2 * tarfile.BLOCKSIZE)

    def response(self) -> Response:
        answer = Response(self.pieces(), content_type="application/x-tar")
        answer.content_length = self.size_bytes
        answer.headers["Content-Disposition"] = f'attachment; filename="{self.filename}"'
        return answer


def _member(path: Path, name: str, made_at: float) -> Member:
    entry = _entry(name, path.stat().st_size, made_at)
    return Member(entry.tobuf(tarfile.PAX_FORMAT), path, entry.size)


def _entry(name: str, size_bytes: int, made_at: float) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime, entry.mode = size_bytes, int(made_at), 0o644
    return entry


def _begun_otherwise(member: Member, beginning: bytes, *, skipped_bytes: int) -> Member:
    known = tarfile.TarInfo.frombuf(member.header, tarfile.ENCODING, "surrogateescape")
    entry = _entry(known.name, len(beginning) + member.size_bytes - skipped_bytes, known.mtime)
    return Member(entry.tobuf(tarfile.PAX_FORMAT), member.path, entry.size, beginning, skipped_bytes)


def _safetensors_header(path: Path) -> tuple[int, dict[str, Any]]:
    """Its length in bytes and its content; tensors stand in it by their places, which names do not change."""
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header: dict[str, Any] = json.loads(file.read(length))
    return length, header


def _header_bytes(header: Mapping[str, Any]) -> bytes:
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text


def _content(member: Member) -> Iterator[bytes]:
    """Exactly the announced bytes; a file that shrank breaks the connection off, lest it pass for whole."""
    yield member.beginning
    left = member.size_bytes - len(member.beginning)
    with member.path.open("rb") as file:
        file.seek(member.skipped_bytes)
        while left and (piece := file.read(min(PIECE_BYTES, left))):
            left -= len(piece)
            yield piece
    if left:
        raise EOFError(f"{member.path.name} became {left} bytes shorter while it was sent")
