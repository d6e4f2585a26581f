"""bitsandbytes, imported so that it fetches no code: it has kernels of its own, and is held to them.

Whatever else imported it first would let it ask the hub for one. So every module of ours that needs
bitsandbytes takes it from here.
"""

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial, wraps
from typing import Any

import torch


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


@contextmanager
def _compiling_when_called() -> Iterator[None]:
    """What bitsandbytes wraps in torch.compile is compiled when it is first called, not at the import.

    Only few programs call any of it, and torch's compiler takes all of them a second to import.
    """
    compile_now = torch.compile

    def later(function: Callable[..., Any] | None = None, **options: Any) -> Callable[..., Any]:
        if function is None:
            return partial(later, **options)
        compiled: Callable[..., Any] | None = None

        @wraps(function)
        def call(*arguments: Any, **named: Any) -> Any:
            nonlocal compiled
            compiled = compiled or compile_now(function, **options)
            return compiled(*arguments, **named)

        return call

    vars(torch)["compile"] = later
    try:
        yield
    finally:
        vars(torch)["compile"] = compile_now


with _without_downloaded_kernels(), _compiling_when_called():
    import bitsandbytes

__all__ = ["bitsandbytes"]
