"""Starts a sandboxed process, listens to it, ends it in time and says how it ended."""

import json
import logging
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Literal

from shared.sandbox.limits import MIB, SandboxLimits
from shared.sandbox.scratch import scratch_folder

SandboxReason = Literal["ok", "time", "memory", "file_size", "signal", "no_isolation", "error"]

PROJECT_ROOT = Path(__file__).resolve().parent.parent.parent
LONGEST_LINE_BYTES = 65_536
LONGEST_ANSWER_BYTES = 16 * MIB
# What a Python process needs to find its libraries; everything else (keys, tokens, proxies) stays outside.
KEPT_VARIABLES = ("LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")

_log = logging.getLogger(__name__)


class _OutOfTime(Exception):
    """The wall clock ran out; a listener's own TimeoutError is something else."""


@dataclass(frozen=True)
class Order:
    """What the sandboxed process is told on its command line."""

    module: str
    arguments: Sequence[str]
    limits: SandboxLimits
    writable: Sequence[str]
    readable: Sequence[str]
    require_isolation: bool
    parent_pid: int
    answer_descriptor: int

    def to_text(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> "Order":
        fields = json.loads(text)
        return cls(**{**fields, "limits": SandboxLimits(**fields["limits"])})


@dataclass(frozen=True)
class SandboxResult:
    """How a run ended. Anything the process said is a claim by untrusted code: check `value` before use.

    `value` is what the module's `main` returned, None unless `reason` is "ok". `error_text` is the end of its
    standard error. `network_isolated` and `files_isolated` say whether the kernel enforced those bounds.
    """

    reason: SandboxReason
    value: Any
    exit_code: int
    error_text: str
    seconds: float
    network_isolated: bool
    files_isolated: bool


def run_in_sandbox(
    module: str,
    arguments: Sequence[str],
    limits: SandboxLimits,
    *,
    readable: Sequence[Path] = (),
    writable: Sequence[Path] = (),
    on_line: Callable[[str], None] | None = None,
    environment: Mapping[str, str] | None = None,
    require_isolation: bool = False,
) -> SandboxResult:
    """Run `module.main(arguments)` in a process of its own that has no network and starts no program.

    `main` returns something JSON can say. It may open our code, the interpreter and its libraries, what is
    or lies below `readable`, and `writable` and a temporary folder of its own, where alone it may change
    files; all else is closed to it, by whatever link or name. Each line it prints goes to `on_line`, whose
    exceptions end the process and are raised here. `environment` is added to the few variables it gets.
    `require_isolation` runs nothing where the kernel can't cut off network and files (reason "no_isolation");
    ask for it when the input may hold a program. Without it a missing isolation is told in result and log.
    """
    started = time.monotonic()
    with (
        tempfile.TemporaryFile() as answer,
        tempfile.TemporaryFile() as error_stream,
        scratch_folder() as scratch,
    ):
        order = Order(
            module=module,
            arguments=list(arguments),
            limits=limits,
            writable=[scratch, *(str(folder) for folder in writable)],
            readable=[str(path) for path in readable],
            require_isolation=require_isolation,
            parent_pid=os.getpid(),
            answer_descriptor=answer.fileno(),
        )
        process = _start(order, answer, error_stream, environment or {})
        exit_code, timed_out = _heard(process, started + limits.wall_seconds, on_line)
        said = _read_answer(answer)
        result = SandboxResult(
            reason="time" if timed_out else _reason(exit_code, said, _tail(error_stream)),
            value=said.get("value") if exit_code == 0 and not timed_out else None,
            exit_code=exit_code,
            error_text=_tail(error_stream),
            seconds=time.monotonic() - started,
            network_isolated=said.get("network_isolated") is True,
            files_isolated=said.get("files_isolated") is True,
        )
    _tell(module, result)
    return result


def _start(
    order: Order, answer: IO[bytes], error_stream: IO[bytes], environment: Mapping[str, str]
) -> "subprocess.Popen[bytes]":
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    fixed = {
        "LC_ALL": "C.UTF-8",
        "HOME": order.writable[0],
        "TMPDIR": order.writable[0],
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "shared.sandbox", order.to_text()],
        cwd=PROJECT_ROOT,
        env={**kept, **fixed, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=error_stream,
        pass_fds=[answer.fileno()],
        start_new_session=True,  # Ctrl-C is for us to answer
    )


def _heard(
    process: "subprocess.Popen[bytes]", deadline: float, on_line: Callable[[str], None] | None
) -> tuple[int, bool]:
    """Its exit code once it has ended or was ended, and whether the time ran out."""
    timed_out = False
    try:
        for line in _lines(process, deadline):
            if on_line is not None:
                on_line(line)
        process.wait(max(0.0, deadline - time.monotonic()))
    except (_OutOfTime, subprocess.TimeoutExpired):
        timed_out = True
    finally:
        process.kill()
        exit_code = process.wait()
        assert process.stdout is not None
        process.stdout.close()
    return exit_code, timed_out


def _lines(process: "subprocess.Popen[bytes]", deadline: float) -> Iterator[str]:
    """Yield what the process prints until it closes its output; _OutOfTime at the deadline."""
    assert process.stdout is not None
    rest = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            left_seconds = deadline - time.monotonic()
            if left_seconds <= 0 or not selector.select(left_seconds):
                raise _OutOfTime
            if not (chunk := os.read(process.stdout.fileno(), LONGEST_LINE_BYTES)):
                break
            *lines, rest = (rest + chunk).split(b"\n")
            yield from (line.decode("utf-8", "replace") for line in lines)
            rest = rest[:LONGEST_LINE_BYTES]
    if rest:
        yield rest.decode("utf-8", "replace")


def _reason(exit_code: int, said: Mapping[str, Any], error_text: str) -> SandboxReason:
    if exit_code == 0 and "value" in said:
        return "ok"
    if exit_code == -signal.SIGXCPU:
        return "time"
    # Nobody but the kernel short of memory sends SIGKILL here; C++ aborts when an allocation fails.
    if exit_code == -signal.SIGKILL or (exit_code == -signal.SIGABRT and "bad_alloc" in error_text):
        return "memory"
    if exit_code < 0:
        return "signal"
    failure = said.get("failure")
    return failure if failure in ("memory", "file_size", "no_isolation") else "error"


def _read_answer(answer: IO[bytes]) -> dict[str, Any]:
    answer.seek(0)
    text = answer.read(LONGEST_ANSWER_BYTES + 1)
    if len(text) > LONGEST_ANSWER_BYTES:
        return {}
    said: dict[str, Any] = {}
    for line in text.splitlines():
        try:
            said |= json.loads(line)
        except (TypeError, ValueError, RecursionError):
            return said
    return said


def _tail(stream: IO[bytes]) -> str:
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - 4096))
    return stream.read().decode("utf-8", "replace").strip()


_told: set[str] = set()


def _tell_once(what: str) -> None:
    """A platform's lack does not change while we run: one line is enough."""
    if what not in _told:
        _told.add(what)
        _log.warning("%s", what)


def _tell(module: str, result: SandboxResult) -> None:
    if result.reason == "ok" and not result.network_isolated:
        _tell_once("sandboxed readers of files have a network: this platform has no seccomp filter")
    if result.reason == "ok" and not result.files_isolated:
        _tell_once(
            "sandboxed readers of files may read and change what we may: this kernel has no Landlock, or the "
            "container forbids it (Linux 5.13 on has it); their other bounds hold"
        )
    if result.reason != "ok":
        _log.warning(
            "the sandbox of %s ended with %s (exit code %d)", module, result.reason, result.exit_code
        )
