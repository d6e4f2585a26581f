"""A checkpoint's weight files: which there are, and whether each is whole, seen before it is loaded."""

import json
import math
import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from services.worker.failures import FailureCode, JobFailed
from services.worker.models.files.model_folder import read_json, stands_in
from shared.look_alikes import stand_in_file
from shared.messages.message import Message, say
from shared.model_folders import what_weights_lack

WeightsForm = Literal["safetensors", "bin"]

# A tensor takes about 130 bytes of it: the 2.4B model's has 30 kB, one file with 90,000 tensors has 12 MB.
LONGEST_HEADER_BYTES = 25_000_000
LONGEST_HEADERS_BYTES = 50_000_000  # of all files of a checkpoint
# A tensor's entry has one brace and two brackets. Whoever puts in more wants memory, not tensors.
_BYTES_PER_BRACE, _BYTES_PER_BRACKET = 40, 10
_MOST_DIMENSIONS = 16
_LONGEST_NAME_BYTES = 255
BITS_PER_VALUE = {
    "F64": 64, "F32": 32, "F16": 16, "BF16": 16, "I64": 64, "I32": 32, "I16": 16, "I8": 8, "U64": 64,
    "U32": 32, "U16": 16, "U8": 8, "BOOL": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "F8_E4M3FNUZ": 8,
    "F8_E5M2FNUZ": 8, "C64": 64, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6,
}  # fmt: skip


@dataclass(frozen=True)
class Weights:
    """The weight files of one checkpoint in the order of their names."""

    form: WeightsForm
    files: tuple[Path, ...]

    @property
    def bytes(self) -> int:
        return sum(file.stat().st_size for file in self.files)


def find_weights(folder: Path) -> Weights:
    """The files a load would open, in transformers' order of preference: safetensors before `.bin`, one file
    before an index. Raises JobFailed(MODEL_UNREADABLE) when there are none or the index is wrong."""
    stems: tuple[tuple[WeightsForm, str], ...] = (
        ("safetensors", "model.safetensors"),
        ("bin", "pytorch_model.bin"),
    )
    for form, name in stems:
        if (folder / name).is_file():
            return Weights(form, (folder / name,))
        if (index := folder / f"{name}.index.json").is_file():
            return Weights(form, _indexed_files(index))
    raise _lacking(folder)


def _lacking(folder: Path) -> JobFailed:
    wrong = what_weights_lack(folder, folder.name)
    if wrong is None:
        return JobFailed(
            FailureCode.MODEL_UNREADABLE,
            say("model-folder-changed", folder=folder.name),
            say("submit-again"),
        )
    return JobFailed(FailureCode.MODEL_UNREADABLE, wrong.message, wrong.remedy)


def read_headers(files: Sequence[Path]) -> dict[str, Any]:
    """The headers of all files of a checkpoint as one. Raises JobFailed(MODEL_UNREADABLE)."""
    reader = HeaderReader()
    return {name: entry for file in files for name, entry in reader.read(file).items()}


class HeaderReader:
    """Reads headers of one checkpoint, of a bounded size in all: an index may name a thousand files."""

    def __init__(self) -> None:
        self._left_bytes = LONGEST_HEADERS_BYTES

    def read(self, file: Path) -> dict[str, Any]:
        """As `read_header`."""
        if self._left_bytes > 0:
            head, size = _read_head(file)
            self._left_bytes -= len(head)
            if self._left_bytes >= 0:
                return parse_header(head, size, file)
        raise _unreadable(say("headers-too-long", file=file.name, most_bytes=LONGEST_HEADERS_BYTES))


def read_header(file: Path) -> dict[str, Any]:
    """A safetensors file's header: tensor name → {dtype, shape, data_offsets}, without `__metadata__`.

    Reads the header alone. Raises JobFailed(MODEL_UNREADABLE) when it is damaged or does not fit the file.
    Format: https://github.com/huggingface/safetensors (8 bytes length, JSON header, data).
    """
    return parse_header(*_read_head(file), file)


def _read_head(file: Path) -> tuple[bytes, int]:
    """The first bytes, up to the end of the header, and how many the file has."""
    with file.open("rb") as stream:
        size = os.fstat(stream.fileno()).st_size
        start = stream.read(8)
        return start + stream.read(header_length(start, size, file)), size


def header_length(start: bytes, size: int, file: Path) -> int:
    """What the first 8 bytes of a safetensors file of `size` bytes say of its header's length."""
    if len(start) < 8:
        raise _unreadable(say("safetensors-too-short", file=file.name, bytes=size))
    (length,) = struct.unpack("<Q", start)
    most = min(LONGEST_HEADER_BYTES, size - 8)
    is_possible = 2 <= length <= most
    if not is_possible and (instead := stand_in_file(file)):
        raise stands_in(file, instead)
    if length > most:
        raise _unreadable(say("not-safetensors", file=file.name, header=length, bytes=size, most=most))
    return int(length)


def parse_header(head: bytes, size: int, file: Path) -> dict[str, Any]:
    """The header in `head`, the first bytes of a safetensors file of `size` bytes; `file` is for the error.

    Tensors fill the rest of the file one after the other: none overlaps another, none lies outside.
    """
    length = header_length(head[:8], size, file)
    text = head[8 : 8 + length]
    if text.count(b"{") > 2 + length // _BYTES_PER_BRACE or text.count(b"[") > length // _BYTES_PER_BRACKET:
        raise _damaged(file, say("header-nests-too-much"))
    try:
        header = json.loads(text, object_pairs_hook=_without_repetition)
        metadata = header.pop("__metadata__", None) or {}
        if any(not isinstance(value, str) for value in metadata.values()):
            raise _HeaderFault(say("header-metadata-no-text"))
        spans = sorted(_tensor_span(name, entry) for name, entry in header.items())
        end = 0
        for begin, next_end in spans:
            if begin != end:
                raise _HeaderFault(say("header-tensors-overlap", byte=min(begin, end)))
            end = next_end
    except _HeaderFault as fault:
        raise _damaged(file, fault.what) from fault
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise _damaged(file, str(error)[:300]) from error
    if (wanted := 8 + length + end) != size:
        raise _unreadable(say("safetensors-truncated", file=file.name, bytes=size, described=wanted))
    return dict(header)


class _HeaderFault(Exception):
    """What is wrong with a header that is JSON."""

    def __init__(self, what: Message) -> None:
        super().__init__(what.message_id)
        self.what = what


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of which nothing is said twice: what the next reader takes would be another matter."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _HeaderFault(say("header-says-twice"))
    return found


def _tensor_span(name: str, entry: dict[str, Any]) -> tuple[int, int]:
    dtype, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in BITS_PER_VALUE:
        raise _HeaderFault(say("header-odd-dtype", tensor=_shown(name), dtype=_shown(dtype)))
    if type(begin) is not int or type(end) is not int or not 0 <= begin <= end < 2**63:
        offsets = _shown(entry["data_offsets"])
        raise _HeaderFault(say("header-odd-offsets", tensor=_shown(name), offsets=offsets))
    if (
        not isinstance(shape, list)
        or len(shape) > _MOST_DIMENSIONS
        or any(type(length) is not int or not 0 <= length < 2**63 for length in shape)
    ):
        raise _HeaderFault(say("header-odd-shape", tensor=_shown(name), shape=_shown(shape)))
    bits = math.prod(shape) * BITS_PER_VALUE[dtype]
    if (end - begin) * 8 != bits:
        raise _HeaderFault(
            say("header-wrong-size", tensor=_shown(name), bytes=end - begin, needed=str(bits // 8))
        )
    return begin, end


def _indexed_files(index: Path) -> tuple[Path, ...]:
    content = read_json(index)
    weight_map = content.get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise _unreadable(say("index-lacks", file=index.name, field="weight_map"))
    if not isinstance(content.get("metadata"), dict):  # transformers asks for it
        raise _unreadable(say("index-lacks", file=index.name, field="metadata"))
    names = {name if isinstance(name, str) else "" for name in weight_map.values()}
    for name in sorted(names):
        if not is_file_name(name):
            raise _unreadable(say("index-names-no-file", file=index.name, name=_shown(name)))
        if not (index.parent / name).is_file():
            raise _unreadable(say("index-names-missing", file=index.name, name=_shown(name)))
    return tuple(index.parent / name for name in sorted(names))


def is_file_name(name: str) -> bool:
    """Whether it can be a file's own name, which a terminal may show."""
    whole = name not in ("", ".", "..") and os.path.basename(name) == name and "\\" not in name  # noqa: PTH119
    return whole and name.isprintable() and len(name.encode("utf-8", "replace")) <= _LONGEST_NAME_BYTES


def _shown(value: object) -> str:
    """What somebody else wrote, fit for a message: printable and short."""
    text = repr(value[:100] if isinstance(value, str | list) else value)
    return text if len(text) <= 100 else f"{text[:100]}…"


def _damaged(file: Path, what: str | Message) -> JobFailed:
    return _unreadable(say("header-damaged", file=file.name, what=what))


def _unreadable(message: Message) -> JobFailed:
    return JobFailed(FailureCode.MODEL_UNREADABLE, message, say("fetch-damaged-again"))
