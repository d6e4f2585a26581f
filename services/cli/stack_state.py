"""Which stack owns a data folder: a lock that lives as long as any of its processes, and a note beside it."""

import fcntl
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

from services.cli.failure import CommandFailed
from shared.durable import make_folder
from shared.messages.message import Message, say

LEFTOVER_SECONDS = 40.0  # the API lets requests end for 30 s
ENDED_SECONDS = 10.0  # for those that were killed to be gone


@dataclass(frozen=True)
class StackState:
    """The note a running stack leaves for other commands; `processes` maps a part's name to its pid."""

    pid: int
    pid_start: str | None
    url: str
    ready: bool = False
    processes: dict[str, int] = field(default_factory=dict)
    restarts: dict[str, int] = field(default_factory=dict)


def write_state(data_dir: Path, state: StackState) -> None:
    draft = data_dir / "stack.json.new"
    draft.write_text(json.dumps(asdict(state), indent=2) + "\n")
    draft.rename(data_dir / "stack.json")


def remove_state(data_dir: Path) -> None:
    (data_dir / "stack.json").unlink(missing_ok=True)


def running_stack(data_dir: Path) -> StackState | None:
    """The stack whose supervisor lives now, or None; a number that another process got since is not it."""
    try:
        state = StackState(**json.loads((data_dir / "stack.json").read_text()))
    except (FileNotFoundError, NotADirectoryError, ValueError, TypeError):
        return None
    return state if process_start(state.pid) == state.pid_start and _lives(state.pid) else None


def process_start(pid: int) -> str | None:
    """When a process started, in the kernel's ticks (`proc(5)`, field 22); None where that is not told.

    A process that has ended but that its parent has not asked after yet (a zombie) has no start.
    """
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = status.rpartition(")")[2].split()
    return None if fields[0] == "Z" else fields[19]


@contextmanager
def own_folder(data_dir: Path, tell: Callable[[Message], None]) -> Iterator[int]:
    """Hold the data folder's lock and hand out its descriptor, for the stack's processes to inherit.

    So the lock is free only when the last of them is gone, and the job log never has two writers.
    Raises `CommandFailed` when another stack runs on this folder.
    """
    try:
        make_folder(data_dir, mode=0o700)
        descriptor = os.open(_lock_path(data_dir), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise CommandFailed(
            say("data-folder-not-used", folder=data_dir, error=error.strerror), say("name-folder-to-write")
        ) from error
    try:
        _lock_when_free(descriptor, data_dir, tell)
        yield descriptor
    finally:
        os.close(descriptor)


def folder_is_owned(data_dir: Path) -> bool:
    """True while any process of a stack on this folder lives."""
    try:
        descriptor = os.open(_lock_path(data_dir), os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return not _try_lock(descriptor)
    finally:
        os.close(descriptor)


def _lock_when_free(descriptor: int, data_dir: Path, tell: Callable[[Message], None]) -> None:
    deadline = time.monotonic() + LEFTOVER_SECONDS
    told = ended = False
    while not _try_lock(descriptor):
        if stack := running_stack(data_dir):
            raise CommandFailed(
                say("data-folder-in-use", process=str(stack.pid), address=stack.url, folder=data_dir),
                say("use-or-stop-stack"),
            )
        if time.monotonic() > deadline and not ended:
            ended, deadline = True, time.monotonic() + ENDED_SECONDS
            for pid in _end_leftovers(data_dir):
                tell(say("leftover-ended", process=str(pid)))
        elif time.monotonic() > deadline:
            raise CommandFailed(
                say("data-folder-still-in-use", folder=data_dir),
                say("find-them-row", file=_lock_path(data_dir)),
            )
        if not told:
            tell(say("waiting-for-earlier-row"))
            told = True
        time.sleep(0.1)


def _end_leftovers(data_dir: Path) -> list[int]:
    """Kill what a supervisor that is gone had started and what hangs: it was told to end when that one did.

    Of the processes that the note names only those that hold the lock's file open: another process may have
    got the number since. Returns their numbers.
    """
    try:
        noted = StackState(**json.loads((data_dir / "stack.json").read_text())).processes.values()
    except (OSError, ValueError, TypeError, AttributeError):
        return []
    ended = [pid for pid in noted if _has_open(pid, _lock_path(data_dir))]
    for pid in ended:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)  # each part is the first of a group
    return ended


def _has_open(pid: int, path: Path) -> bool:
    """False where that is not told, as for another user's process."""
    with suppress(OSError):
        for descriptor in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                if descriptor.samefile(path):
                    return True
    return False


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _lock_path(data_dir: Path) -> Path:
    return data_dir / "stack.lock"
