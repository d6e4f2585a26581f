"""Ask a program something, bounded in time, without ever raising."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress

from services.cli.doctor.facts import ProgramCall
from shared.messages.message import Message, say

LIMIT_SECONDS = 5.0
LONGEST_COMPLAINT = 300


def ask_program(
    name: str,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    *,
    also_in: Sequence[str] = (),
    limit_seconds: float = LIMIT_SECONDS,
) -> ProgramCall:
    """Run a program of the PATH, or of the folders `also_in`, which go first."""
    places = os.pathsep.join([*also_in, environment.get("PATH", os.defpath)])
    path = shutil.which(name, path=places)
    if path is None:
        return ProgramCall()
    # Files, not pipes: a grandchild that outlives the limit would hold a pipe open.
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as complaint:
        try:
            process = subprocess.Popen(
                [path, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=complaint,
                env=dict(environment),
                start_new_session=True,
            )
        except OSError as error:
            return ProgramCall(path=path, complaint=say("program-not-started", error=error.strerror))
        try:
            exit_code = process.wait(limit_seconds)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            silent = say("no-answer-in-time", limit_seconds=limit_seconds)
            return ProgramCall(path=path, complaint=silent, is_silent=True)
        texts = []
        for file in (output, complaint):
            file.seek(0)
            texts.append(file.read().decode(errors="replace").strip())
    return ProgramCall(path=path, exit_code=exit_code, output=texts[0], complaint=texts[1])


def complaint_of(call: ProgramCall) -> str | Message:
    """What a program that failed said, in one line."""
    told = call.complaint or call.output or say("program-exit-status", code=str(call.exit_code))
    if isinstance(told, Message):
        return told
    said = " ".join(told.split())
    return said if len(said) <= LONGEST_COMPLAINT else said[: LONGEST_COMPLAINT - 1] + "…"
