"""Finds out what kind of file a data set is, by its content first and its name second."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from shared.datasets.formats import FORMAT_FIELDS
from shared.datasets.jsonl import open_jsonl
from shared.datasets.limits import DatasetLimits
from shared.datasets.lines import UTF8_MARK
from shared.datasets.shapes import shape_fields
from shared.datasets.source import Source, Unreadable
from shared.datasets.tables import open_table

Kind = Literal["jsonl", "csv", "tsv", "parquet", "arrow"]

HEAD_BYTES = 65_536
_REFUSED_BEGINNINGS = {
    b"PK\x03\x04": "is a zip archive or a spreadsheet; unpack it, or save it as CSV UTF-8",
    b"\x1f\x8b": "is compressed (gzip); unpack it first",
    b"BZh": "is compressed (bzip2); unpack it first",
    b"\xfd7zXZ\x00": "is compressed (xz); unpack it first",
    b"\x28\xb5\x2f\xfd": "is compressed (zstd); unpack it first",
    b"\x80\x02": "is a pickle, which can hold a program; it is never opened",
    b"\x80\x03": "is a pickle, which can hold a program; it is never opened",
    b"\x80\x04": "is a pickle, which can hold a program; it is never opened",
    b"\x80\x05": "is a pickle, which can hold a program; it is never opened",
    b"\xff\xfe": "is UTF-16; save it as UTF-8",
    b"\xfe\xff": "is UTF-16; save it as UTF-8",
}
_JSON_NAMES = (".jsonl", ".json", ".ndjson")


@contextmanager
def open_source(
    path: Path, file_name: str, columns: Mapping[str, str], limits: DatasetLimits
) -> Iterator[Source]:
    """Open a file or an Arrow folder for reading. Raises Unreadable."""
    if path.is_dir():
        yield _open_binary("folder", path, columns)
        return
    with path.open("rb") as stream:
        kind = kind_of(stream.read(HEAD_BYTES), file_name)
        stream.seek(0)
        if kind == "jsonl":
            yield open_jsonl(stream, limits)
        elif kind == "csv" or kind == "tsv":
            yield open_table(stream, kind, columns, limits)
        else:
            yield _open_binary(kind, path, columns)


def _open_binary(
    kind: Literal["folder", "parquet", "arrow"], path: Path, columns: Mapping[str, str]
) -> Source:
    from shared.datasets import arrow  # pyarrow takes longer to import than most text files to read

    wanted = {
        columns.get(field, field) for fields in FORMAT_FIELDS.values() for field in fields
    } | shape_fields()
    if kind == "folder":
        return arrow.open_arrow_folder(path, wanted)
    return arrow.open_parquet(path, wanted) if kind == "parquet" else arrow.open_arrow_file(path, wanted)


def kind_of(head: bytes, file_name: str) -> Kind:
    """The kind of a file from its first bytes and its name; raises Unreadable with what to do instead."""
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith((b"ARROW1", b"\xff\xff\xff\xff")):
        return "arrow"
    for beginning, refusal in _REFUSED_BEGINNINGS.items():
        if head.startswith(beginning):
            raise Unreadable(f"it {refusal}")
    cut_off = len(head) == HEAD_BYTES
    return _kind_of_text(head.removeprefix(UTF8_MARK), cut_off, Path(file_name).suffix.lower())


def _kind_of_text(head: bytes, cut_off: bool, extension: str) -> Kind:
    first_line, line_end, _ = head.lstrip().partition(b"\n")
    if first_line.startswith(b"[") and extension in (*_JSON_NAMES, ""):
        raise Unreadable("it is one JSON array; wanted is JSON lines: one object a line, no brackets around")
    if extension in _JSON_NAMES or _is_json_object(first_line, cut_off and not line_end):
        return "jsonl"
    if b"\t" in first_line and (extension != ".csv" or b"," not in first_line):
        return "tsv"
    if extension == ".csv" or b"," in first_line:
        return "csv"
    if extension == ".tsv":
        return "tsv"
    raise Unreadable(
        "it is none of the kinds read here: JSON lines (.jsonl), CSV or TSV with or without a header, "
        "Parquet, Arrow"
    )


def _is_json_object(line: bytes, cut_off: bool) -> bool:
    if not line.startswith(b"{"):
        return False
    if cut_off:  # nothing else begins so and goes on so long
        return True
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True
