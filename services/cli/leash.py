"""Runs a program that dies with the one that started it: `python leash.py SIGNAL PARENT_PID COMMAND…`.

A program of its own rather than a function between fork and exec, because the supervisor has threads.
Linux only (`PR_SET_PDEATHSIG`, which survives exec); elsewhere the command is run as it is.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with(parent_pid: int, death_signal: signal.Signals) -> None:
    """Ask the kernel to send `death_signal` to this process when its parent ends; leave if it already has."""
    if sys.platform != "linux":
        return
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent_pid:
        sys.exit(f"the supervisor (process {parent_pid}) is gone; not starting")


def leashed(command: list[str], death_signal: signal.Signals) -> list[str]:
    """`command` such that, started by this process's main thread, it gets `death_signal` when we end."""
    return [sys.executable, "-I", __file__, death_signal.name, str(os.getpid()), *command]


if __name__ == "__main__":
    die_with(int(sys.argv[2]), signal.Signals[sys.argv[1]])
    os.execvp(sys.argv[3], sys.argv[3:])
