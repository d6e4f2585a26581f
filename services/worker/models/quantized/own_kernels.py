"""bitsandbytes, imported so that it fetches no code: it has kernels of its own, and is held to them.

Whatever else imported it first would let it ask the hub for one. So every module of ours that needs
bitsandbytes takes it from here.
"""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def _without_downloaded_kernels() -> Iterator[None]:
    """bitsandbytes fetches a CPU kernel from the hub while it is imported. It has its own, so it may not.

    Where the package `kernels` is not installed it can't, and logs a warning about that, which helps nobody.
    """
    log = logging.getLogger("bitsandbytes.backends.cpu.ops")
    before, level = sys.modules.get("kernels"), log.level
    sys.modules["kernels"] = None  # type: ignore[assignment]  # makes `import kernels` an ImportError
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)
        del sys.modules["kernels"]
        if before is not None:
            sys.modules["kernels"] = before


with _without_downloaded_kernels():
    import bitsandbytes

__all__ = ["bitsandbytes"]
