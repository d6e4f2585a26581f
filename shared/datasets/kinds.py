"""Finds out what kind of file a data set is, by its content first and its name second."""

import codecs
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from shared.datasets.encoding import as_utf8, foreign_encoding, wide_encoding
from shared.datasets.findings import Finding
from shared.datasets.formats import FORMAT_FIELDS
from shared.datasets.json_kind import JsonKind, json_kind
from shared.datasets.json_values import open_json_values
from shared.datasets.jsonl import open_jsonl
from shared.datasets.limits import DatasetLimits
from shared.datasets.lines import UTF8_MARK
from shared.datasets.shapes import shape_fields
from shared.datasets.source import Source, Unreadable
from shared.datasets.table_kind import TableKind, table_kind
from shared.datasets.tables import open_table
from shared.look_alikes import look_alike
from shared.messages.said import say

Binary = Literal["parquet", "arrow"]

HEAD_BYTES = 65_536
_JSON_NAMES = (".jsonl", ".json", ".ndjson")


@dataclass(frozen=True)
class TextFile:
    """A text file that is read as `kind`; `told` says what was done to read it."""

    kind: JsonKind | TableKind
    encoding: str | None = None
    cr_ends_lines: bool = False
    told: tuple[Finding, ...] = ()


@contextmanager
def open_source(
    path: Path, file_name: str, columns: Mapping[str, str], limits: DatasetLimits
) -> Iterator[Source]:
    """Open a file or an Arrow folder for reading. Raises Unreadable."""
    if path.is_dir():
        yield _open_binary("folder", path, columns)
        return
    with path.open("rb") as stream:
        kind = kind_of(stream.read(HEAD_BYTES), file_name, columns)
        stream.seek(0)
        if isinstance(kind, TextFile):
            source = _open_text(stream, kind, columns, limits)
            source.told.extend(kind.told)
            yield source
        else:
            yield _open_binary(kind, path, columns)


def _open_text(stream: BinaryIO, file: TextFile, columns: Mapping[str, str], limits: DatasetLimits) -> Source:
    if file.encoding or file.cr_ends_lines:
        stream = as_utf8(stream, file.encoding or "utf-8", cr_ends_lines=file.cr_ends_lines)
    if isinstance(file.kind, TableKind):
        return open_table(stream, file.kind, columns, limits)
    if file.kind.is_lines:
        return open_jsonl(stream, limits)
    return open_json_values(stream, limits, inside=file.kind.inside)


def _open_binary(kind: Literal["folder"] | Binary, path: Path, columns: Mapping[str, str]) -> Source:
    from shared.datasets import arrow  # pyarrow takes longer to import than most text files to read

    wanted = {
        columns.get(field, field) for fields in FORMAT_FIELDS.values() for field in fields
    } | shape_fields()
    if kind == "folder":
        return arrow.open_arrow_folder(path, wanted)
    return arrow.open_parquet(path, wanted) if kind == "parquet" else arrow.open_arrow_file(path, wanted)


def kind_of(head: bytes, file_name: str, columns: Mapping[str, str]) -> Binary | TextFile:
    """The kind of a file from its first bytes and its name; raises Unreadable with what to do instead."""
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith((b"ARROW1", b"\xff\xff\xff\xff")):
        return "arrow"
    if alike := look_alike(head):
        raise Unreadable(alike.what, alike.remedy)
    encoding = wide_encoding(head)
    told = []
    if encoding:
        told.append(Finding("encoding", say("read-as-encoding", encoding=encoding.upper()), 0, level="info"))
    elif foreign := foreign_encoding(head):
        raise Unreadable(foreign)
    text = _text(head, encoding)
    cr_ends_lines = "\r" in text and "\n" not in text
    if cr_ends_lines:
        text = text.replace("\r", "\n")
        told.append(Finding("line_ends", say("lines-end-in-cr"), 0, level="info"))
    kind = _kind_of_text(text, len(head) == HEAD_BYTES, Path(file_name).suffix.lower(), columns)
    if isinstance(kind, TableKind) and kind.told:
        told.append(Finding("table_notation", kind.told, 0, level="info"))
    return TextFile(kind, encoding, cr_ends_lines, tuple(told))


def _text(head: bytes, encoding: str | None) -> str:
    decoder = codecs.getincrementaldecoder(encoding or "utf-8")("replace")
    return decoder.decode(head if encoding else head.removeprefix(UTF8_MARK))


def _kind_of_text(
    head: str, cut_off: bool, extension: str, columns: Mapping[str, str]
) -> JsonKind | TableKind:
    is_json_name = extension in _JSON_NAMES
    found = json_kind(head, cut_off, is_json_name) or table_kind(head, cut_off, extension, columns)
    if found:
        return found
    raise Unreadable(say("unknown-kind"))
