"""An adapter as a tar archive, made while it is sent: its length is known before the first byte."""

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flask import Response

ADAPTER_FOLDERS = {"original": "adapter", "llama": "adapter-llama"}
PIECE_BYTES = 1024**2


@dataclass(frozen=True)
class Member:
    """One file of the archive: its header as it stands in the archive, its place, its size."""

    header: bytes
    path: Path
    size_bytes: int

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
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime, entry.mode = path.stat().st_size, int(made_at), 0o644
    return Member(entry.tobuf(tarfile.PAX_FORMAT), path, entry.size)


def _content(member: Member) -> Iterator[bytes]:
    """Exactly the announced bytes; a file that shrank breaks the connection off, lest it pass for whole."""
    left = member.size_bytes
    with member.path.open("rb") as file:
        while left and (piece := file.read(min(PIECE_BYTES, left))):
            left -= len(piece)
            yield piece
    if left:
        raise EOFError(f"{member.path.name} became {left} bytes shorter while it was sent")
