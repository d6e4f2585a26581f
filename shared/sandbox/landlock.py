"""Keeps a sandboxed process from all files but named ones (Linux's Landlock, kernel 5.13 on)."""

import ctypes
import os
import platform
import stat
from collections.abc import Iterable
from pathlib import Path

# linux/landlock.h; the three calls have the same numbers on every architecture.
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG, _PATH_BENEATH = 1, 1
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_FOLDER = 1, 1 << 1, 1 << 2, 1 << 3
_REFER, _TRUNCATE = 1 << 13, 1 << 14
_MAKE_AND_REMOVE = sum(1 << bit for bit in range(4, 13))
_OF_FILES = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE  # the others are a folder's


class _Ruleset(ctypes.Structure):
    _fields_ = (("handled_access_fs", ctypes.c_uint64),)


class _PathRule(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = (("allowed_access", ctypes.c_uint64), ("parent_fd", ctypes.c_int32))


def refuse_files_outside(writable: Iterable[Path], readable: Iterable[Path], libc: ctypes.CDLL) -> bool:
    """Let this thread and all it starts read and change what lies below `writable`, read what is or lies
    below `readable`, and open nothing else; False where the kernel can't.

    Links are followed now, once: what a link in a folder leads to later must itself be named. What is already
    open stays open. `no_new_privs` must be set already. Raises OSError when something can't be opened.
    """
    if platform.system() != "Linux":
        return False
    version = libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION_FLAG))
    if version < 1:
        return False
    handled = _handled(version)
    attributes = _Ruleset(handled)
    ruleset = libc.syscall(
        _CREATE_RULESET,
        ctypes.byref(attributes),
        ctypes.c_size_t(ctypes.sizeof(attributes)),
        ctypes.c_uint32(0),
    )
    if ruleset < 0:
        return False
    try:
        for path in readable:
            _allow(ruleset, path, handled & (_READ_FILE | _READ_FOLDER), libc)
        for folder in writable:
            _allow(ruleset, folder, handled & ~_EXECUTE, libc)
        _allow(ruleset, Path(os.devnull), handled & (_READ_FILE | _WRITE_FILE | _TRUNCATE), libc)
        return bool(libc.syscall(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0)) == 0)
    finally:
        os.close(ruleset)


def _handled(version: int) -> int:
    access = _EXECUTE | _WRITE_FILE | _READ_FILE | _READ_FOLDER | _MAKE_AND_REMOVE
    if version >= 2:
        access |= _REFER
    if version >= 3:
        access |= _TRUNCATE
    return access


def _allow(ruleset: int, path: Path, access: int, libc: ctypes.CDLL) -> None:
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            access &= _OF_FILES
        rule = _PathRule(access, descriptor)
        added = libc.syscall(
            _ADD_RULE,
            ctypes.c_int(ruleset),
            ctypes.c_int(_PATH_BENEATH),
            ctypes.byref(rule),
            ctypes.c_uint32(0),
        )
        if added != 0:
            raise OSError(ctypes.get_errno(), "the kernel refused a Landlock rule", str(path))
    finally:
        os.close(descriptor)
