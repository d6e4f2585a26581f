"""A stack beside the command that needs it: started with `up` as a process of its own, stopped when done."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from services.cli.failure import CommandFailed
from services.cli.leash import leashed
from services.cli.stack_state import StackState, folder_is_owned, running_stack
from services.cli.terminal import Terminal
from shared.messages.message import say
from shared.settings import PROJECT_ROOT

READY_SECONDS = 300.0
GONE_SECONDS = 240.0  # worker, API and store, one after the other
POLL_SECONDS = 0.1


@dataclass(frozen=True)
class BackgroundStack:
    """A ready stack and the process that supervises it."""

    state: StackState
    process: subprocess.Popen[bytes]


def start_stack(
    data_dir: Path, environment: Mapping[str, str], terminal: Terminal, *, leash: bool
) -> BackgroundStack:
    """Run `up` on `data_dir` with `environment` added to ours and wait until it is ready.

    With `leash` it stops when this process ends, however it ends. Raises `CommandFailed` with what it said
    when it can't start.
    """
    logs = data_dir / "logs"
    for folder in (data_dir, logs):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    log = logs / "stack.log"
    log.touch(mode=0o600)  # its folder is closed to others already, so nobody closes the file later
    command = [sys.executable, "-m", "services.cli", "up"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            leashed(command, signal.SIGTERM) if leash else command,
            cwd=PROJECT_ROOT,
            env=os.environ
            | {"PYTHONPATH": str(PROJECT_ROOT), "TUNEDOCK_DATA_DIR": str(data_dir)}
            | dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        with terminal.waiting(say("starting-stack-row")):
            return BackgroundStack(_ready_state(data_dir, process, log), process)
    except BaseException:
        process.terminate()
        process.wait()
        raise


def stop_stack(data_dir: Path, stack: StackState, terminal: Terminal) -> None:
    """Ask a stack to stop and wait until its last process is gone."""
    with terminal.waiting(say("stopping-stack-row")):
        os.kill(stack.pid, signal.SIGTERM)
        deadline = time.monotonic() + GONE_SECONDS
        while folder_is_owned(data_dir):
            if time.monotonic() > deadline:
                process = str(stack.pid)
                raise CommandFailed(
                    say("stack-does-not-stop", process=process, limit_seconds=GONE_SECONDS),
                    say("kill-it-row", process=process),
                )
            time.sleep(POLL_SECONDS)


def _ready_state(data_dir: Path, process: subprocess.Popen[bytes], log: Path) -> StackState:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        state = running_stack(data_dir)
        if state and state.ready and state.pid == process.pid:
            return state
        if process.poll() is not None:
            raise CommandFailed(say("stack-not-started", lines=_last_lines(log)))
        time.sleep(POLL_SECONDS)
    raise CommandFailed(
        say("stack-not-ready", limit_seconds=READY_SECONDS, lines=_last_lines(log)),
        say("logs-are-in", folder=log.parent),
    )


def _last_lines(log: Path, count: int = 20) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(f"  {line}" for line in lines[-count:])
