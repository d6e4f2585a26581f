"""Whether a model fits into memory, asked before loading it and explained when it did not."""

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

import torch

from services.worker.failures import FailureCode, JobFailed
from services.worker.models.reading.page_cache import available_memory_bytes
from shared.messages.message import Message, say

# nf4 with double quantization: 4 bits a weight, 8 bits a block of 64, 32 bits a block of 256 of those.
NF4_BYTES_PER_WEIGHT = 4 / 8 + 1 / 64 + 4 / (64 * 256)
# What allocators say where the error has no type of its own: torch's for a processor, the card's driver
# (whose errors torch calls AcceleratorError), cuBLAS, cuDNN, and the C++ library.
_WORDS = (
    "can't allocate memory",
    "not enough memory",
    "cuda error: out of memory",
    "cuda out of memory",
    "cuda driver error: out of memory",
    "cudaerrormemoryallocation",
    "cublas_status_alloc_failed",
    "cudnn_status_alloc_failed",
    "std::bad_alloc",
)
EMBEDDING_NAMES = ("embed_tokens", "lm_head", "wte", "embed_in", "embed_out", "word_embeddings")


def loaded_bytes(headers: Mapping[str, Any], quantization: Literal["nf4", "none"], dtype: torch.dtype) -> int:
    """Memory that the weights described by safetensors `headers` take once loaded, in bytes."""
    return sum(_tensor_bytes(name, entry, quantization, dtype) for name, entry in headers.items())


def refuse_what_cannot_fit(wanted_bytes: int, device: torch.device) -> None:
    """Raise JobFailed(OUT_OF_MEMORY) when `device` has less free memory than the weights alone take."""
    available = _available_bytes(device)
    if available is not None and wanted_bytes > available:
        raise _too_little(
            say(
                "weights-do-not-fit",
                device=str(device),
                wanted_bytes=wanted_bytes,
                free_bytes=available,
            )
        )


@contextmanager
def out_of_memory_explained(device: torch.device) -> Iterator[None]:
    """Turn an allocator's error into JobFailed(OUT_OF_MEMORY) and give back what was allocated."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        text = (str(error).splitlines() or [""])[0][:300]
        free_device_memory(device)
        # The traceback would keep the half-loaded model alive.
        raise _too_little(say("base-model-does-not-fit", device=str(device), error=text)) from None


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, by the error's type or by the words of whoever found none."""
    text = str(error).lower()
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(word in text for word in _WORDS)


def free_device_memory(device: torch.device) -> None:
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()


def _tensor_bytes(name: str, entry: Mapping[str, Any], quantization: str, dtype: torch.dtype) -> int:
    begin, end = entry["data_offsets"]
    if entry["dtype"] not in ("F64", "F32", "F16", "BF16"):
        return int(end - begin)  # already quantized
    values = 1
    for length in entry["shape"]:
        values *= length
    linear = len(entry["shape"]) == 2 and not any(part in EMBEDDING_NAMES for part in name.split("."))
    return round(values * (NF4_BYTES_PER_WEIGHT if quantization == "nf4" and linear else dtype.itemsize))


def _available_bytes(device: torch.device) -> int | None:
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0]) + torch.cuda.memory_reserved(device)
    return available_memory_bytes()


def _too_little(message: Message) -> JobFailed:
    return JobFailed(FailureCode.OUT_OF_MEMORY, message, say("smaller-base-model-or-free-memory"))
