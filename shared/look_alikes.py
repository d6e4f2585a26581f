"""Tells by a file's first bytes what it is, where it stands in the place of something else.

For data sets, weights and tokenizers alike: a pointer or a web page is called by its name by all of them.
"""

import json
import struct
from dataclasses import dataclass
from pathlib import Path

from shared.messages.said import Said, say

HEAD_BYTES = 4096
LFS_BEGINNING = b"version https://git-lfs.github.com/spec/v1"


@dataclass(frozen=True)
class LookAlike:
    """`what` it is, a sentence, and `remedy`, what its owner can do."""

    what: Said
    remedy: Said


_UNPACK = say("unpack-it")
_SAVE_TABLE = say("save-sheet-as-csv")
_CONVERT = say("write-rows-in-known-form")
_WRITE_TEXT = say("write-text-as-lines")
_GIVE_ROWS = say("give-file-with-rows")
_FETCH_WITH_KEY = say("download-again-with-token")
# First bytes, the kind in `file-is` of the messages, and the remedy.
_BEGINNINGS: tuple[tuple[bytes, str, Said], ...] = (
    (b"\x1f\x8b", "gzip", say("unpack-with", command="gunzip FILE")),
    (b"BZh", "bzip2", say("unpack-with", command="bunzip2 FILE")),
    (b"\xfd7zXZ\x00", "xz", say("unpack-with", command="unxz FILE")),
    (b"\x28\xb5\x2f\xfd", "zstd", say("unpack-with", command="unzstd FILE")),
    (b"\x04\x22\x4d\x18", "lz4", say("unpack-with", command="unlz4 FILE")),
    (b"\x1f\x9d", "unix-compress", say("unpack-with", command="uncompress FILE")),
    (b"7z\xbc\xaf\x27\x1c", "seven-zip", _UNPACK),
    (b"Rar!\x1a\x07", "rar", _UNPACK),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old-excel", _SAVE_TABLE),
    (b"SQLite format 3\x00", "sqlite", say("write-table-as-rows")),
    (b"\x93NUMPY", "numpy", _CONVERT),
    (b"\x89HDF\r\n\x1a\n", "hdf5", say("write-content-in-wanted-form")),
    (b"FEA1", "old-feather", say("save-again-as-parquet")),
    (b"PARE", "encrypted-parquet", say("save-without-encryption")),
    (b"Obj\x01", "avro", _CONVERT),
    (b"ORC", "orc", _CONVERT),
    (b"GGUF", "gguf", say("give-original-model")),
    (b"%PDF", "pdf", _WRITE_TEXT),
    (b"{\\rtf", "rich-text", _WRITE_TEXT),
    (b"\x89PNG", "png", _GIVE_ROWS),
    (b"\xff\xd8\xff", "jpeg", _GIVE_ROWS),
)
_INSIDE_ZIP: tuple[tuple[bytes, str, Said], ...] = (
    (b"[Content_Types].xml", "office", _SAVE_TABLE),
    (b"xl/", "excel", _SAVE_TABLE),
    (b"_rels/", "office", _SAVE_TABLE),
    (b"mimetypeapplication/vnd.oasis", "open-document", _SAVE_TABLE),
)


def _file_is(kind: str, remedy: Said) -> LookAlike:
    return LookAlike(say("file-is", kind=kind), remedy)


def stand_in_file(path: Path) -> LookAlike | None:
    """As `stand_in`, of a plain file; one that can't be read, or is none, stands in for nothing."""
    try:
        if not path.is_file():  # a pipe would never answer
            return None
        with path.open("rb") as stream:
            return stand_in(stream.read(HEAD_BYTES))
    except OSError:
        return None


def stand_in(head: bytes) -> LookAlike | None:
    """What stands in the place of a file that never came: a pointer, a web page, a refusal, nothing."""
    if not head:
        return _file_is("empty", say("download-or-save-again"))
    if not head.strip(b"\x00"):
        return _file_is("zeros", say("download-or-copy-again"))
    return _pointer(head) if head.startswith(LFS_BEGINNING) else _page(head)


def look_alike(head: bytes) -> LookAlike | None:
    """What a file with these first bytes is, if it is one of the things that people mistake for another."""
    if found := stand_in(head):
        return found
    if head.startswith(b"PK\x03\x04"):
        return _in_zip(head)
    for beginning, what, remedy in _BEGINNINGS:
        if head.startswith(beginning):
            return _file_is(what, remedy)
    if head[257:262] == b"ustar":
        return _file_is("tar", say("unpack-with", command="tar xf FILE"))
    if _is_pickle(head):
        return _file_is("pickle", say("save-in-another-form"))
    if _is_safetensors(head):
        return _file_is("safetensors", say("put-into-model-folder"))
    if head.lstrip()[:5].lower() == b"<?xml":
        return _file_is("xml", _CONVERT)
    return None


def _pointer(head: bytes) -> LookAlike:
    size = next((line.split()[-1] for line in head.splitlines() if line.startswith(b"size ")), b"")
    known = size.isdigit() and len(size) < 20
    what = say("file-is-pointer", file_bytes=int(size)) if known else say("file-is-pointer-to-unknown")
    return LookAlike(what, say("pull-file-itself"))


def _in_zip(head: bytes) -> LookAlike:
    names = head[30:]
    for beginning, what, remedy in _INSIDE_ZIP:
        if names.startswith(beginning):
            return _file_is(what, remedy)
    if b"data.pkl" in names[:200]:
        return _file_is("pytorch", say("put-into-model-folder"))
    return _file_is("zip", say("unpack-with", command="unzip FILE"))


def _is_pickle(head: bytes) -> bool:
    return head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05")


def _is_safetensors(head: bytes) -> bool:
    if len(head) < 10 or head[8:9] != b"{":
        return False
    (length,) = struct.unpack("<Q", head[:8])
    return 2 <= length < 100 * 1024**2 and (b'"dtype"' in head or b"__metadata__" in head)


def _page(head: bytes) -> LookAlike | None:
    begin = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1024].lower()
    if begin.startswith((b"<!doctype html", b"<html", b"<head")) or (
        begin.startswith(b"<?xml") and b"<html" in begin
    ):
        return _file_is("web-page", _FETCH_WITH_KEY)
    if begin.startswith(b'{"error"') and len(head) < HEAD_BYTES:
        return _error_answer(head)
    return None


def _error_answer(head: bytes) -> LookAlike | None:
    try:
        said = json.loads(head)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or not set(said) <= {"error", "message", "code", "status", "detail"}:
        return None
    return _file_is("refusal", _FETCH_WITH_KEY)
