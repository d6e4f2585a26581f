"""Files as a user meets them who may not read everything: root may, until it lays that power down."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager

_VERSION_3, _DAC_OVERRIDE, _DAC_READ_SEARCH = 0x20080522, 1, 2
_libc = ctypes.CDLL(None, use_errno=True)
_Words = ctypes.c_uint32 * 6  # effective, permitted and inheritable capabilities, 32 bits at a time


@contextmanager
def without_override() -> Iterator[None]:
    """This thread obeys the permissions of files, whoever it runs as."""
    header, words = (ctypes.c_uint32 * 2)(_VERSION_3, 0), _Words()
    _call("capget", header, words)
    before = words[0]
    words[0] &= ~(1 << _DAC_OVERRIDE | 1 << _DAC_READ_SEARCH)
    _call("capset", header, words)
    try:
        yield
    finally:
        words[0] = before
        _call("capset", header, words)


def _call(name: str, header: object, words: object) -> None:
    if getattr(_libc, name)(header, words) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), name)
