"""A process that runs one arm of `bench train`, does steps when told and leaves nothing behind."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench.train_arms.job import TrainJob
from services.cli.leash import leashed
from shared.settings import PROJECT_ROOT

GRACE_SECONDS = 5


class ArmFailed(Exception):
    """An arm's process ended or could not begin; the text is the end of what it said."""


@dataclass(frozen=True)
class ArmStep:
    """One optimizer step. `rows` is an average where an arm's steps take more or fewer; tokens are real."""

    seconds: float
    loss: float
    grad_norm: float
    rows: float
    tokens: int
    processor_seconds: float = 0.0
    peak_bytes: int | None = None


class ArmProcess:
    """Starts at once; `ready` and `steps` block. Killed when the block ends, or this process dies."""

    def __init__(self, job: TrainJob, python: Path) -> None:
        self.job = job
        scratch = Path(job.scratch)
        scratch.mkdir(parents=True, exist_ok=True)
        self._said = tempfile.TemporaryFile("w+", dir=scratch, errors="replace")  # noqa: SIM115  # closed with the process
        command = [str(python), "-m", "bench.train_arms", str(job.write(scratch / "job.json"))]
        self._process = subprocess.Popen(
            leashed(command, signal.SIGKILL),
            cwd=scratch,  # away from our folder datasets/, which libraries would take for a package
            env=os.environ | {"PYTHONPATH": _python_path(python), "HF_HUB_OFFLINE": "1", **QUIET},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            text=True,
            start_new_session=True,  # Ctrl-C reaches the benchmark, which ends its arms
        )

    def ready(self) -> None:
        self._answer()

    def steps(self, count: int) -> list[ArmStep]:
        """Let the arm do `count` steps and wait for them; raises `ArmFailed` with the arm's last words."""
        assert self._process.stdin is not None
        if count == 0:
            return []
        try:
            self._process.stdin.write(f"{count}\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._failure() from None
        return [ArmStep(**self._answer()) for _ in range(count)]

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise self._failure()
        return dict(json.loads(line))

    def _failure(self) -> ArmFailed:
        code = self._process.wait()
        self._said.seek(0)
        return ArmFailed(f"exit status {code}: {self._said.read()[-3000:].strip()}")

    def _kill(self) -> None:
        """The arm and what its library may have started: they are a session of their own."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        if kind is None:
            with suppress(BrokenPipeError):
                self._process.stdin.close()  # no more orders: it ends by itself
        else:
            self._kill()
        try:
            self._process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._kill()
            self._process.wait()
        self._process.stdout.close()
        self._said.close()


def _python_path(python: Path) -> str:
    """Our code; and what this process itself was given beside it, unless the arm has its own environment."""
    given = os.environ.get("PYTHONPATH", "").split(os.pathsep) if python == Path(sys.executable) else []
    return os.pathsep.join(dict.fromkeys([str(PROJECT_ROOT), *filter(None, given)]))


# Peers report to their makers, and ask the hub, unless told not to.
QUIET = {
    "DO_NOT_TRACK": "1",
    "AXOLOTL_DO_NOT_TRACK": "1",
    "UNSLOTH_DISABLE_STATISTICS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_DATASETS_OFFLINE": "1",
    "TRANSFORMERS_VERBOSITY": "warning",
    "WANDB_DISABLED": "true",
}
