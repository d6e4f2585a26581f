"""Starts the processes of `bench load`: they die with it, and read throttled disks where it wants that."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from services.cli.leash import leashed
from shared.settings import PROJECT_ROOT

_JOIN = 'echo $$ >"$0" && exec "$@"'
# The arms ask no hub and tell nobody; threads that wait don't burn the cores of those that work.
_ENVIRONMENT = {
    "PYTHONPATH": str(PROJECT_ROOT),
    "HF_HUB_OFFLINE": "1",
    "DO_NOT_TRACK": "1",
    "OMP_WAIT_POLICY": "PASSIVE",
}


class ProcessFailed(Exception):
    """A process ended badly; the text is the end of what it said."""


def run_arm(
    arm: str, model: Path, artifact: Path, *, python: Path | None = None, group: Path | None = None
) -> dict[str, Any]:
    """One load in a process of its own, what `bench.load_arms` says of it. Raises ProcessFailed.

    `group` is the `cgroup.procs` that the process joins first.
    """
    said = run_module(["bench.load_arms", arm, str(model), str(artifact)], python=python, group=group)
    return dict(json.loads(said.splitlines()[-1]))


def run_module(words: Sequence[str], *, python: Path | None = None, group: Path | None = None) -> str:
    """`python -m WORDS…`, what it printed. Raises ProcessFailed."""
    command = leashed([str(python or sys.executable), "-m", *words], signal.SIGKILL)
    try:
        done = subprocess.run(
            ["sh", "-c", _JOIN, str(group), *command] if group else command,
            cwd="/",  # away from our folder datasets/, which libraries would take for a package
            env=os.environ | _ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            start_new_session=True,  # Ctrl-C reaches the benchmark, which ends what it started
        )
    except KeyboardInterrupt:
        _end_children()
        raise
    if done.returncode != 0:
        raise ProcessFailed(f"exit status {done.returncode}: {done.stderr.strip()[-2000:]}")
    return done.stdout


def _end_children() -> None:
    """An order to stop may come while a process is being started: nobody knows of it yet, and it would write
    into a folder that is being removed.
    """
    children = psutil.Process().children(recursive=True)
    for child in children:
        with suppress(psutil.NoSuchProcess):
            child.kill()
    psutil.wait_procs(children, timeout=10)
