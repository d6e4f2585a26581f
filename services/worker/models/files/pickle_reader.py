"""Runs inside the sandbox: reads one `.bin` file as tensors and nothing else, writes it as safetensors."""

import json
import pickle
import re
import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

CHUNK_BYTES = 16 * 1024**2
DTYPE_NAMES = {
    torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16",
    torch.int64: "I64", torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8",
    torch.bool: "BOOL", torch.float8_e4m3fn: "F8_E4M3", torch.float8_e5m2: "F8_E5M2",
}  # fmt: skip


def main(arguments: Sequence[str]) -> dict[str, Any]:
    """Convert each of the files `arguments[0::2]` to the one in `arguments[1::2]`.

    Prints the bytes of each piece written. Answers {tensors: how many}, or of the first bad file {file,
    refused: what the pickle wanted}, {file, odd: what is no tensor, with its kind} or {file, error}.
    """
    tensors = 0
    for source, destination in zip(map(Path, arguments[0::2]), map(Path, arguments[1::2]), strict=True):
        try:
            weights = read_weights(source)
        except pickle.UnpicklingError as error:
            return {"file": source.name, "refused": _what_it_wanted(str(error))}
        except OddContent as odd:
            return {"file": source.name, **odd.found}
        except (RuntimeError, EOFError, ValueError, KeyError, zipfile.BadZipFile) as error:
            return {"file": source.name, "error": (str(error).splitlines() or [type(error).__name__])[0]}
        write_safetensors(weights, destination)
        tensors += len(weights)
    return {"tensors": tensors}


class OddContent(Exception):
    """Something other than tensors of ordinary kinds; `found` says what it is."""

    def __init__(self, odd: str, **found: str | int) -> None:
        super().__init__(odd)
        self.found = {"odd": odd, **found}


def read_weights(source: Path) -> dict[str, torch.Tensor]:
    """The tensors of a checkpoint, mapped from the file where its format allows.

    Raises pickle.UnpicklingError for a pickle with other content, OddContent for tensors of other kinds.
    """
    mapped = zipfile.is_zipfile(source)  # the format before torch 1.6 can only be read whole
    content = torch.load(source, map_location="cpu", weights_only=True, mmap=mapped)
    if not isinstance(content, dict):
        raise OddContent("content", kind=type(content).__name__)
    for name, tensor in content.items():
        if not isinstance(name, str) or not isinstance(tensor, torch.Tensor):
            raise OddContent("entry", entry=str(name)[:100])
        if tensor.layout != torch.strided or tensor.dtype not in DTYPE_NAMES:
            raise OddContent("tensor", entry=name[:100], kind=f"{tensor.layout} {tensor.dtype}")
    _refuse_bomb(content, source.stat().st_size)
    return content


def _refuse_bomb(weights: dict[str, torch.Tensor], file_bytes: int) -> None:
    """A view can repeat one value without end; sharing as tied weights do at most doubles the size."""
    unfolded = sum(tensor.numel() * tensor.element_size() for tensor in weights.values())
    if unfolded > 2 * file_bytes:
        raise OddContent("size", bytes=unfolded)


def write_safetensors(weights: dict[str, torch.Tensor], destination: Path) -> None:
    """Write piece by piece, so that a large checkpoint needs little memory.

    Tensors that share memory are each written in full: whether a model ties them is its config's business.
    Layout: https://github.com/huggingface/safetensors, tensors by alignment, then name, header padded to 8.
    """
    names = sorted(weights, key=lambda name: (-weights[name].element_size(), name))
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    offset = 0
    for name in names:
        tensor = weights[name]
        end = offset + tensor.numel() * tensor.element_size()
        header[name] = {
            "dtype": DTYPE_NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [offset, end],
        }
        offset = end
    text = json.dumps(header, ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    with destination.open("wb") as stream:
        stream.write(struct.pack("<Q", len(text)) + text)
        for name in names:
            values = weights[name].contiguous().reshape(-1).view(torch.uint8).numpy().data
            for start in range(0, len(values), CHUNK_BYTES):
                piece = values[start : start + CHUNK_BYTES]
                stream.write(piece)
                print(len(piece), flush=True)


def _what_it_wanted(message: str) -> str:
    """Name the function a pickle wanted to call, from torch's message about it."""
    if found := re.search(r"GLOBAL ([\w.]+)", message):
        return found.group(1)
    return message[:200]
