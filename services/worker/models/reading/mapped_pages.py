"""Pages of mapped files, asked for before they are touched: one that is not there any more ends a process.

Who touches a page behind the end of a file that was cut short, or one that its disk can't read, gets SIGBUS.
The kernel's own reading ahead of it is an error instead (MADV_POPULATE_READ of `madvise(2)`). Kernels older
than 5.14 and other systems are not asked.
"""

import ctypes
import errno
import mmap
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import torch

_MADV_POPULATE_READ = 22  # linux/mman.h
_EHWPOISON = 133  # asm-generic/errno.h: the page lies in broken memory


class Mapping(NamedTuple):
    """Where a file, or a part of it, is in this process's memory."""

    file: Path
    begin: int
    end: int


def mappings_of(files: Sequence[Path]) -> tuple[Mapping, ...]:
    """Where this process has `files` mapped now, as the kernel sees it; none where it has no /proc."""
    try:
        lines = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return ()
    places: dict[str, list[tuple[int, int]]] = {}
    for line in lines:
        if line.count(" ") >= 5 and "/" in line:
            addresses, *_, name = line.split(maxsplit=5)
            begin, end = addresses.split("-")
            places.setdefault(name, []).append((int(begin, 16), int(end, 16)))
    return tuple(Mapping(file, *place) for file in files for place in places.get(str(file.resolve()), ()))


def require_ends(mappings: Iterable[Mapping]) -> None:
    """Raises OSError where a file has lost its last page: it was cut short."""
    for mapping in mappings:
        require_mapped(mapping.end - 1, 1)


def require_pages(values: torch.Tensor) -> None:
    """Bring in the memory of `values`, a contiguous view of a mapped file.

    Raises OSError for a page that is not there. The file may still be cut short between this and the touch.
    """
    if values.numel() and values.device.type == "cpu":
        require_mapped(values.data_ptr(), values.numel() * values.element_size())


def require_mapped(address: int, length: int) -> None:
    """The same of `length` bytes at `address`."""
    if sys.platform != "linux":
        return
    begin = address // mmap.PAGESIZE * mmap.PAGESIZE
    libc = ctypes.CDLL(None, use_errno=True)
    refused = libc.madvise(
        ctypes.c_void_p(begin), ctypes.c_size_t(address + length - begin), ctypes.c_int(_MADV_POPULATE_READ)
    )
    if refused and (number := ctypes.get_errno()) in (errno.EFAULT, _EHWPOISON):
        raise OSError(number, os.strerror(number))
