"""One supervised process: started in a group of its own, its output kept, started again when it dies."""

import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from services.cli.leash import leashed
from services.cli.log_lines import log_line
from services.cli.process_log import ProcessLog
from shared.backoff import Backoff
from shared.messages.message import say
from shared.messages.render import told

TAIL_LINES = 12

LineSink = Callable[[str, str], None]


@dataclass(frozen=True)
class ProcessSpec:
    """What to run. `death_signal` is what it gets should the supervisor itself be killed."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    folder: Path
    stop_seconds: float
    death_signal: signal.Signals = signal.SIGTERM
    inherited_descriptors: tuple[int, ...] = ()
    umask: int = -1  # the supervisor's
    before_start: Callable[[], None] = lambda: (
        None
    )  # each time; an OSError means that it can't be started now


@dataclass
class SupervisedProcess:
    """A `ProcessSpec` and the process that currently is it, if any."""

    spec: ProcessSpec
    log_path: Path
    on_line: LineSink
    backoff: Backoff = field(default_factory=Backoff)
    restarts: int = 0
    exit_code: int | None = None
    start_again_at: float | None = None
    tail: deque[str] = field(default_factory=lambda: deque(maxlen=TAIL_LINES))
    _process: subprocess.Popen[bytes] | None = None
    _started_at: float = 0.0
    _reader: threading.Thread | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start it; must be called from the main thread, which the leash is tied to."""
        self.tail.clear()
        self.spec.before_start()
        self.start_again_at = None
        self._started_at = time.monotonic()
        self._process = subprocess.Popen(
            leashed(list(self.spec.command), self.spec.death_signal),
            cwd=self.spec.folder,
            env=dict(self.spec.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=self.spec.inherited_descriptors,
            umask=self.spec.umask,
        )
        self._reader = threading.Thread(target=self._keep_output, args=(self._process,), daemon=True)
        self._reader.start()

    def died(self) -> bool:
        """True once after each unexpected end; the next start is due at `start_again_at`."""
        if self._process is None or self._process.poll() is None:
            return False
        self._collect()
        self.backoff = self.backoff.after_death(time.monotonic() - self._started_at)
        self.start_again_at = time.monotonic() + self.backoff.wait_seconds
        return True

    def restart_if_due(self) -> bool:
        """Start it again when its back-off is over; True if it was."""
        if self.start_again_at is None or time.monotonic() < self.start_again_at:
            return False
        try:
            self.start()
        except OSError as error:  # no room for one more process: the machine's matter, and it may pass
            self.backoff = self.backoff.after_death(0)
            self.start_again_at = time.monotonic() + self.backoff.wait_seconds
            self.on_line(self.spec.name, told(say("process-not-started", error=error.strerror or str(error))))
            return False
        self.restarts += 1
        return True

    def ask_to_stop(self) -> None:
        """SIGTERM to the process alone: it knows best how to end its own children."""
        self.start_again_at = None
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL to its whole group."""
        self.start_again_at = None
        if self._process:
            _kill_group(self._process.pid)

    def wait_no_longer(self) -> None:
        """What it died of is over: where it waits for its next start, that comes now."""
        if self.start_again_at is not None:
            self.start_again_at = min(self.start_again_at, time.monotonic())

    def end_hung(self) -> None:
        """SIGKILL to its group, from any thread; it counts as a death, so it is started again."""
        if process := self._process:
            _kill_group(process.pid)

    def gone(self) -> bool:
        """True when it has ended; what is left of its group is killed."""
        if self._process is None:
            return True
        if self._process.poll() is None:
            return False
        self._collect()
        return True

    def _collect(self) -> None:
        assert self._process is not None
        self.exit_code = self._process.returncode
        _kill_group(self._process.pid)
        if self._reader:
            self._reader.join(timeout=2.0)
        self._process = None

    def _keep_output(self, process: subprocess.Popen[bytes]) -> None:
        """Copy the output to the log file, to the tail and to the listener.

        Goes on whatever happens to a line: a process whose output nobody reads would stand still.
        """
        assert process.stdout is not None
        log = ProcessLog(self.log_path, lambda news: self.on_line(self.spec.name, told(news)))
        with process.stdout:
            for raw in process.stdout:
                line = log_line(raw)
                self.tail.append(line)
                with suppress(Exception):  # the terminal may be gone
                    log.keep(line)
                    self.on_line(self.spec.name, line)
        with suppress(OSError):
            log.close()


def _kill_group(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return
