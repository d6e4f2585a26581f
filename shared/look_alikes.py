"""Tells by a file's first bytes what it is, where it stands in the place of something else.

For data sets, weights and tokenizers alike: a pointer or a web page is called by its name by all of them.
"""

import json
import struct
from dataclasses import dataclass
from pathlib import Path

HEAD_BYTES = 4096
LFS_BEGINNING = b"version https://git-lfs.github.com/spec/v1"


@dataclass(frozen=True)
class LookAlike:
    """`what` it is, with an article, and `remedy`, what its owner can do."""

    what: str
    remedy: str

    def __str__(self) -> str:
        return f"it is {self.what}; {self.remedy}"


_UNPACK = "unpack it and give the file inside"
_SAVE_TABLE = "open it and save the sheet as CSV UTF-8"
_CONVERT = "write its rows as JSON lines, CSV or Parquet with the program that made it"
_WRITE_TEXT = 'write each piece of its text as a line {"text": "…"} of a .jsonl file'
_NO_PROGRAM = "which can hold a program and is never opened here"
_BEGINNINGS: tuple[tuple[bytes, str, str], ...] = (
    (b"\x1f\x8b", "compressed (gzip)", f"{_UNPACK}: gunzip FILE"),
    (b"BZh", "compressed (bzip2)", f"{_UNPACK}: bunzip2 FILE"),
    (b"\xfd7zXZ\x00", "compressed (xz)", f"{_UNPACK}: unxz FILE"),
    (b"\x28\xb5\x2f\xfd", "compressed (zstd)", f"{_UNPACK}: unzstd FILE"),
    (b"\x04\x22\x4d\x18", "compressed (lz4)", f"{_UNPACK}: unlz4 FILE"),
    (b"\x1f\x9d", "compressed (Unix compress)", f"{_UNPACK}: uncompress FILE"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _UNPACK),
    (b"Rar!\x1a\x07", "a RAR archive", _UNPACK),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook of the old kind (.xls)", _SAVE_TABLE),
    (b"SQLite format 3\x00", "an SQLite database", "write the table you need as CSV or JSON lines"),
    (b"\x93NUMPY", "a NumPy array", _CONVERT),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", "write what it holds in the form that is wanted"),
    (b"FEA1", "a Feather file of the old kind", "save it again as Parquet: df.to_parquet(NAME)"),
    (b"PARE", "an encrypted Parquet file", "save it without encryption"),
    (b"Obj\x01", "an Avro file", _CONVERT),
    (b"ORC", "an ORC file", _CONVERT),
    (b"GGUF", "a GGUF model", "training needs the original model as safetensors"),
    (b"%PDF", "a PDF document", _WRITE_TEXT),
    (b"{\\rtf", "a document in Rich Text Format", _WRITE_TEXT),
    (b"\x89PNG", "a picture (PNG)", "give the file with the rows"),
    (b"\xff\xd8\xff", "a picture (JPEG)", "give the file with the rows"),
)
_INSIDE_ZIP: tuple[tuple[bytes, str, str], ...] = (
    (b"[Content_Types].xml", "an Excel workbook or another Office document", _SAVE_TABLE),
    (b"xl/", "an Excel workbook", _SAVE_TABLE),
    (b"_rels/", "an Excel workbook or another Office document", _SAVE_TABLE),
    (b"mimetypeapplication/vnd.oasis", "an OpenDocument file, such as a LibreOffice sheet", _SAVE_TABLE),
)


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
        return LookAlike("empty (0 bytes)", "fetch or save it again")
    if not head.strip(b"\x00"):
        return LookAlike("nothing but zero bytes, as a broken copy leaves", "fetch or copy it again")
    return _pointer(head) if head.startswith(LFS_BEGINNING) else _page(head)


def look_alike(head: bytes) -> LookAlike | None:
    """What a file with these first bytes is, if it is one of the things that people mistake for another."""
    if found := stand_in(head):
        return found
    if head.startswith(b"PK\x03\x04"):
        return _in_zip(head)
    for beginning, what, remedy in _BEGINNINGS:
        if head.startswith(beginning):
            return LookAlike(what, remedy)
    if head[257:262] == b"ustar":
        return LookAlike("a tar archive", f"{_UNPACK}: tar xf FILE")
    if _is_pickle(head):
        return LookAlike(f"a pickle, {_NO_PROGRAM}", "save it in another form, data as Parquet or JSON lines")
    if _is_safetensors(head):
        return LookAlike("weights of a model (safetensors)", "put them into a model folder with their config")
    if head.lstrip()[:5].lower() == b"<?xml":
        return LookAlike("an XML file", _CONVERT)
    return None


def _pointer(head: bytes) -> LookAlike:
    size = next((line.split()[-1] for line in head.splitlines() if line.startswith(b"size ")), b"")
    told = f" of {int(size):,} bytes" if size.isdigit() else ""
    return LookAlike(
        f"a Git LFS pointer, the note that stands in for a file{told}",
        "fetch the file itself: run `git lfs install` and `git lfs pull` where it was cloned, or download it",
    )


def _in_zip(head: bytes) -> LookAlike:
    names = head[30:]
    for beginning, what, remedy in _INSIDE_ZIP:
        if names.startswith(beginning):
            return LookAlike(what, remedy)
    if b"data.pkl" in names[:200]:
        return LookAlike("a PyTorch checkpoint", "put it into a model folder with its config")
    return LookAlike("a zip archive", f"{_UNPACK}: unzip FILE")


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
        return LookAlike(
            "a web page, such as the page of an error or a log-in, and not the file",
            "download the file itself; if it needs a log-in or a token, give that",
        )
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
    return LookAlike(
        "the answer of a server that refused the download, and not the file",
        "download it again; if it needs a log-in or a token, give that",
    )
