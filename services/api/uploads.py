"""Uploaded files: `files/<file id>/content` with `file.json` beside it, whole or not there at all."""

import hashlib
import io
import os
import re
import secrets
import shutil
import string
import time
from pathlib import Path
from typing import Any

from services.api.free_space import check_free_space, disk_full_refused
from shared.durable import fsync_path, make_folder, write_durably
from shared.errors import InvalidField, NotFound, TooLarge
from shared.messages.message import say
from shared.old_uploads import INCOMING, discard_upload, remove_abandoned
from shared.schemas.frozen import Frozen
from shared.writer_lock import lock_for_writing

ID_CHARACTERS = string.ascii_letters + string.digits
SPACE_CHECK_BYTES = 64 * 1024**2

_FILE_ID = re.compile(r"file-[A-Za-z0-9]{24}")


class StoredFile(Frozen):
    """What is kept about an upload. `filename` is the sender's and names nothing on our disk.

    `expires_seconds`: after how long it goes, where the sender said so.
    """

    id: str
    bytes: int
    created_at: float
    filename: str
    purpose: str
    sha256: str
    expires_seconds: int | None = None


class IncomingFile(io.RawIOBase):
    """A file being received: written straight to its disk, counted, hashed, refused when too long."""

    def __init__(self, folder: Path, *, limit_bytes: int, reserve_bytes: int) -> None:
        self.folder = folder
        self.size_bytes = 0
        self._limit_bytes, self._reserve_bytes = limit_bytes, reserve_bytes
        self._space_checked_bytes = 0
        self._sha256 = hashlib.sha256()
        folder.mkdir()
        self._lock = lock_for_writing(folder)  # until the file is finished, or given up, or this process dies
        self._file = (folder / "content").open("xb")

    def writable(self) -> bool:
        return True

    def write(self, piece: Any) -> int:
        self.size_bytes += len(piece)
        if self.size_bytes > self._limit_bytes:
            raise TooLarge(say("file-too-large", limit_bytes=self._limit_bytes), param="file")
        if self.size_bytes - self._space_checked_bytes > SPACE_CHECK_BYTES:
            check_free_space(self.folder, needed_bytes=0, reserve_bytes=self._reserve_bytes)
            self._space_checked_bytes = self.size_bytes
        self._sha256.update(piece)
        with disk_full_refused():
            return self._file.write(piece)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """The form parser rewinds a finished part for its reader; this one is read from the disk later."""
        return 0

    def finish(self) -> str:
        """Make the content durable; its SHA-256."""
        with disk_full_refused():
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
        return self._sha256.hexdigest()

    def discard(self) -> None:
        """Remove what was not kept. Called at the end of every upload."""
        self._file.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        os.close(self._lock)


class FileShelf:
    """All uploaded files of an installation."""

    def __init__(self, folder: Path, *, limit_bytes: int, reserve_bytes: int) -> None:
        self._folder = folder
        self._limit_bytes, self._reserve_bytes = limit_bytes, reserve_bytes
        make_folder(folder)

    def receive(self, announced_bytes: int) -> IncomingFile:
        """Begin a file whose body is said to have `announced_bytes`. Raises `DiskFull`."""
        remove_abandoned(self._folder)
        check_free_space(self._folder, needed_bytes=announced_bytes, reserve_bytes=self._reserve_bytes)
        return IncomingFile(
            self._folder / f"{INCOMING}{secrets.token_hex(12)}",
            limit_bytes=self._limit_bytes,
            reserve_bytes=self._reserve_bytes,
        )

    def keep(
        self, incoming: IncomingFile, *, filename: str, purpose: str, expires_seconds: int | None = None
    ) -> StoredFile:
        """Take a received file in under a new id. Raises `InvalidField` when it is empty."""
        if incoming.size_bytes == 0:
            raise InvalidField(say("file-is-empty", file=plain_filename(filename)), param="file")
        stored = StoredFile(
            id="file-" + "".join(secrets.choice(ID_CHARACTERS) for _ in range(24)),
            bytes=incoming.size_bytes,
            created_at=time.time(),
            filename=plain_filename(filename),
            purpose=purpose,
            sha256=incoming.finish(),
            expires_seconds=expires_seconds,
        )
        with disk_full_refused():
            write_durably(incoming.folder / "file.json", stored.model_dump_json().encode())
            incoming.folder.rename(self._folder / stored.id)
            fsync_path(self._folder)
        return stored

    def get(self, file_id: str) -> StoredFile:
        """Raises `NotFound`."""
        try:
            return StoredFile.model_validate_json((self._place(file_id) / "file.json").read_bytes())
        except FileNotFoundError:
            raise NotFound(say("no-such-file", file=file_id[:80]), param="file_id") from None

    def content(self, file_id: str) -> Path:
        """Where the file's bytes are. Raises `NotFound`."""
        self.get(file_id)
        return self._place(file_id) / "content"

    def all(self) -> list[StoredFile]:
        """Every file, newest first."""
        found = []
        for path in self._folder.glob("file-*/file.json"):
            try:
                found.append(StoredFile.model_validate_json(path.read_bytes()))
            except FileNotFoundError:  # deleted meanwhile
                continue
        return sorted(found, key=lambda file: (-file.created_at, file.id))

    def delete(self, file_id: str) -> None:
        """Jobs keep their own copy of a file's rows. Raises `NotFound`."""
        try:
            discard_upload(self._place(file_id))
        except FileNotFoundError:
            raise NotFound(say("no-such-file", file=file_id[:80]), param="file_id") from None

    def _place(self, file_id: str) -> Path:
        if not _FILE_ID.fullmatch(file_id):
            raise NotFound(say("no-such-file", file=file_id[:80]), param="file_id")
        return self._folder / file_id


def plain_filename(name: str) -> str:
    """The last part of a sender's file name, without control characters, at most 255 characters."""
    last = re.split(r"[/\\]", name)[-1]
    return "".join(character for character in last if character.isprintable()).strip()[:255] or "upload"
