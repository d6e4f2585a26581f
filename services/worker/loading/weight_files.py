"""A checkpoint's weight files: which there are, and whether each is whole, seen before it is loaded."""

import json
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from services.worker.failures import FailureCode, JobFailed
from services.worker.loading.model_folder import read_json

WeightsForm = Literal["safetensors", "bin"]

# The safetensors library refuses longer headers; the 2.4B model's is 30 kB.
LONGEST_HEADER_BYTES = 100_000_000
BITS_PER_VALUE = {
    "F64": 64, "F32": 32, "F16": 16, "BF16": 16, "I64": 64, "I32": 32, "I16": 16, "I8": 8, "U64": 64,
    "U32": 32, "U16": 16, "U8": 8, "BOOL": 8, "F8_E4M3": 8, "F8_E5M2": 8, "F8_E8M0": 8, "C64": 64, "F4": 4,
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
    raise _unreadable(
        folder, "no weights: neither model.safetensors nor pytorch_model.bin nor an index of shards"
    )


def check_safetensors(weights: Weights) -> None:
    """See that every header is small, sane and fits its file. Raises JobFailed(MODEL_UNREADABLE).

    Format: https://github.com/huggingface/safetensors (8 bytes length, JSON header, data).
    """
    for file in weights.files:
        read_header(file)


def read_header(file: Path) -> dict[str, Any]:
    """A safetensors file's header: tensor name → {dtype, shape, data_offsets}, without `__metadata__`.

    Reads the header alone. Raises JobFailed(MODEL_UNREADABLE) when it is damaged or does not fit the file.
    """
    size = file.stat().st_size
    with file.open("rb") as stream:
        start = stream.read(8)
        return parse_header(start + stream.read(header_length(start, size, file)), size, file)


def header_length(start: bytes, size: int, file: Path) -> int:
    """What the first 8 bytes of a safetensors file of `size` bytes say of its header's length."""
    if len(start) < 8:
        raise _unreadable(file, f"{size} bytes are too few for a safetensors file")
    (length,) = struct.unpack("<Q", start)
    if length > min(LONGEST_HEADER_BYTES, size - 8):
        raise _unreadable(file, f"its header claims {length} bytes of a file of {size}; not safetensors")
    return int(length)


def parse_header(head: bytes, size: int, file: Path) -> dict[str, Any]:
    """The header in `head`, the first bytes of a safetensors file of `size` bytes; `file` is for the error.

    Tensors fill the rest of the file one after the other: none overlaps another, none lies outside.
    """
    length = header_length(head[:8], size, file)
    try:
        header = json.loads(head[8 : 8 + length])
        header.pop("__metadata__", None)
        spans = sorted(_tensor_span(name, entry) for name, entry in header.items())
        end = 0
        for begin, next_end in spans:
            if begin != end:
                raise ValueError(f"its tensors overlap or leave a hole at byte {min(begin, end)}")
            end = next_end
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise _unreadable(file, f"its header is damaged: {error}") from error
    if (wanted := 8 + length + end) != size:
        raise _unreadable(
            file, f"it has {size} bytes where its header describes {wanted}; truncated or damaged"
        )
    return dict(header)


def _tensor_span(name: str, entry: dict[str, Any]) -> tuple[int, int]:
    values = 1
    for length in entry["shape"]:
        if type(length) is not int or length < 0:
            raise ValueError(f"shape {entry['shape']} of {name}")
        values *= length
    begin, end = entry["data_offsets"]
    if type(begin) is not int or type(end) is not int or not 0 <= begin <= end:
        raise ValueError(f"offsets {entry['data_offsets']} of {name}")
    if (bits := BITS_PER_VALUE.get(entry["dtype"])) and (end - begin) * 8 != values * bits:
        raise ValueError(f"{end - begin} bytes for {name}, whose shape and dtype need {values * bits // 8}")
    return begin, end


def _indexed_files(index: Path) -> tuple[Path, ...]:
    weight_map = read_json(index).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise _unreadable(index, "it has no weight_map")
    names = sorted({str(name) for name in weight_map.values()})
    for name in names:
        if name in (".", "..") or os.path.basename(name) != name or "\\" in name:  # noqa: PTH119
            raise _unreadable(index, f"it names {name!r}, which is no file name in its own folder")
        if not (index.parent / name).is_file():
            raise _unreadable(index, f"it names the shard {name!r}, which is missing")
    return tuple(index.parent / name for name in names)


def _unreadable(path: Path, what: str) -> JobFailed:
    return JobFailed(
        FailureCode.MODEL_UNREADABLE,
        f"{path.name}: {what}",
        "fetch the model again (delete the damaged file first), or check that the copy finished",
    )
