"""Memory for direct reads: huge pages that are read into, and copied out of, in turn.

The kernel cuts a direct read into requests of at most so many pages that do not lie next to each other. Pages
of 4 KiB make it 0.5 to 1.2 MiB as memory happens to lie; huge ones always as large as the storage takes them.
Making room for a whole model in huge pages can take the kernel seconds; for these few it takes milliseconds.
"""

import contextlib
import ctypes
import mmap
from queue import SimpleQueue

HUGE_PAGE_BYTES = 2 * 1024**2


class Landing:
    """Two pieces of memory: one is read into while what lies in the other is copied to its place."""

    def __init__(self, piece_bytes: int) -> None:
        self._free: SimpleQueue[memoryview] = SimpleQueue()
        for _ in range(2):
            self._free.put(_huge(piece_bytes))

    def take(self) -> memoryview:
        """A piece to read into; waits until one is free."""
        return self._free.get()

    def give_back(self, piece: memoryview) -> None:
        self._free.put(piece)


def _huge(size: int) -> memoryview:
    """Fresh memory that begins at a huge page, of huge pages where the kernel has them."""
    memory = mmap.mmap(-1, size + HUGE_PAGE_BYTES, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    start = -ctypes.addressof(ctypes.c_char.from_buffer(memory)) % HUGE_PAGE_BYTES
    with contextlib.suppress(OSError, AttributeError):  # a kernel without them, another system
        memory.madvise(mmap.MADV_HUGEPAGE, start, size)
    return memoryview(memory)[start : start + size]
