"""Imports of a large library: nobody looks for garbage among modules, which all stay."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def many_imports() -> Iterator[None]:
    """Inside, modules are imported without collections of garbage; later collections don't look at them.

    Importing torch and transformers begins a collection every few hundred objects, which takes a fifth of the
    time; and each job's collections would look at a million objects that can't go.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()
