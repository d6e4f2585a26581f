"""A program that set-up runs, in a process group of its own, so that no part of it outlives set-up."""

import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

_STOP_SECONDS = 10


@contextmanager
def child(command: Sequence[str], keep_open: int) -> Iterator[subprocess.Popen[bytes]]:
    """Starts `command` with its output in a pipe; at the end of the block it is over, by force if need be.

    Ctrl-C reaches this process alone, which passes it on once: two would cut pip's own cleaning-up short.
    `keep_open` is an open file that the program keeps open too: were this process killed, a lock on it would
    hold until the program ended.
    """
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=[keep_open],
        process_group=0,
        env=_environment(),
    )
    assert process.stdout is not None
    with process.stdout:
        try:
            yield process
        finally:
            _stop(process)


def _environment() -> dict[str, str]:
    """The caller's, less what points pip away from `.venv`; its index and proxy settings stay."""
    away = {"PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_USER", "PYTHONPATH", "PYTHONHOME"}
    return {name: value for name, value in os.environ.items() if name not in away}


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    try:
        os.killpg(process.pid, signal.SIGINT)
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        pass
    finally:
        if process.poll() is None:  # too slow, or a second Ctrl-C came
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
