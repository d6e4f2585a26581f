"""The sandboxed process: binds itself, then imports one module of ours and runs its `main(arguments)`."""

import contextlib
import ctypes
import importlib
import json
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from shared.sandbox.landlock import refuse_files_outside
from shared.sandbox.libraries import library_paths
from shared.sandbox.limits import JsonValue, SandboxLimits, bind_resources
from shared.sandbox.run import Order
from shared.sandbox.seccomp import refuse_system_calls

_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38


def main(arguments: Sequence[str]) -> int:
    """Do one order: the answer goes to its descriptor as lines of JSON, a traceback to standard error."""
    order = Order.from_text(arguments[0])
    package = importlib.import_module(order.module.partition(".")[0])  # its folder's parent is closed later
    readable = [*library_paths(), *map(Path, package.__path__), *map(Path, order.readable)]
    isolation = enter_sandbox(order.limits, list(map(Path, order.writable)), readable, order.parent_pid)
    _answer(order.answer_descriptor, isolation)  # at once: it may crash later
    if order.require_isolation and not all(isolation.values()):
        _answer(order.answer_descriptor, {"failure": "no_isolation"})
        return 1
    try:
        value = importlib.import_module(order.module).main(order.arguments)
        _answer(order.answer_descriptor, {"value": value})
    except BaseException as error:
        _answer(order.answer_descriptor, {"failure": _failure(error)})
        traceback.print_exc()
        return 1
    return 0


def enter_sandbox(
    limits: SandboxLimits, writable: Sequence[Path], readable: Sequence[Path], parent_pid: int
) -> dict[str, JsonValue]:
    """Bind this process for good; says which isolations the platform granted.

    Must run before any library starts a thread: the kernel binds the calling thread and those it starts.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "linux":
        _die_with_parent(libc, parent_pid)
        if len(list(Path("/proc/self/task").iterdir())) > 1:
            raise RuntimeError("the sandbox must be entered before the first thread starts")
        if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
            return {"files_isolated": False, "network_isolated": False}
    bind_resources(limits)
    with contextlib.suppress(OSError):  # short of memory, the kernel ends this process and not its parent
        Path("/proc/self/oom_score_adj").write_text("1000")
    return {
        "files_isolated": refuse_files_outside(writable, readable, libc),
        "network_isolated": refuse_system_calls(libc),
    }


def _die_with_parent(libc: ctypes.CDLL, parent_pid: int) -> None:
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent_pid:  # it died before the line above
        os._exit(1)


def _failure(error: BaseException) -> str:
    text = str(error)
    if isinstance(error, MemoryError) or any(words in text for words in ("allocate memory", "enough memory")):
        return "memory"
    return "file_size" if "File too large" in text else "error"


def _answer(descriptor: int, answer: dict[str, JsonValue]) -> None:
    with open(descriptor, "a", encoding="utf-8", closefd=False) as stream:
        stream.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
