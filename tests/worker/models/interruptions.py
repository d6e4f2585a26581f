"""Interrupts a remedy at random moments; after each its state must be the old or the new, never a half."""

import json
import os
import signal
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal, Protocol

from shared.settings import PROJECT_ROOT

State = Literal["old", "new"]
STRIKES = 3  # at one moment, where a try ended before it: the machine has become quicker
COUNT = int(os.environ.get("TUNEDOCK_INTERRUPTIONS", "3"))
"""How many moments of each remedy the suite tries; issue C's figure was measured with 50."""


class RemedyProcesses:
    """A program of `remedy_processes`; one try at a time."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._try: int | None = None  # the process itself: its number may mean another once it has ended

    def begin(self, order: str, wait_at: str | None = None) -> None:
        """Start a try; returns when it waits in the stage `wait_at`, for `go_on`."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"order": order, "wait_at": wait_at}) + "\n")
        self._process.stdin.flush()
        self.said: list[dict[str, Any]] = []
        pid = self._read()["pid"]
        if wait_at is None:
            return
        self._try = os.pidfd_open(pid)
        while self.said[-1].get("stage") != wait_at:
            self._read()
            assert "exit" not in self.said[-1], f"it never came to the stage {wait_at}: {self.said}"

    def go_on(self) -> None:
        self._send(signal.SIGUSR1)

    def kill(self) -> None:
        self._send(signal.SIGKILL)

    def end(self) -> dict[str, Any]:
        """All that the try said: `exit` (negative: a signal), and `answer` and `codes` if it came so far."""
        while "exit" not in self.said[-1]:
            self._read()
        if self._try is not None:
            os.close(self._try)
            self._try = None
        return {name: value for said in self.said for name, value in said.items()}

    def do(self, order: str) -> dict[str, Any]:
        """A whole try, which must not break."""
        self.begin(order)
        ended = self.end()
        assert ended["exit"] == 0, ended
        return ended

    def _send(self, what: signal.Signals) -> None:
        assert self._try is not None
        with suppress(ProcessLookupError):  # it has ended
            signal.pidfd_send_signal(self._try, what)

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the program of remedies is gone"
        self.said.append(json.loads(line))
        return self.said[-1]


Strike = Callable[[RemedyProcesses], None]


class Remedy(Protocol):
    """What is interrupted. `order` is what one try is told, `needs` the libraries to load before."""

    needs: str
    order: str

    def reset(self) -> None:
        """Put the old state in place."""

    def state(self, processes: RemedyProcesses) -> State:
        """What state there is; raises AssertionError for a half."""


@dataclass
class Figures:
    """How it went: the `struck` of all tries, the states those left, and the codes they said."""

    whole_seconds: float = 0.0
    tries: int = 0
    struck: int = 0
    left: Counter[str] = field(default_factory=Counter)
    said: Counter[str] = field(default_factory=Counter)
    longest_rerun_seconds: float = 0.0


def interrupt(
    remedy: Remedy,
    processes: RemedyProcesses,
    strike: Strike,
    *,
    since: str = "start",
    recover: Callable[[], None] = lambda: None,
    times: int = COUNT,
    seed: int = 4,
) -> Figures:
    """Strike a remedy at `times` moments, spread at random over its measured duration from stage `since` on.

    The first falls on the very beginning, each other one into its own part of that time. After each the state
    must be whole, and after `recover` a second try must end in the new state.
    """
    random = Random(seed)
    tries = _Tries(remedy, processes, since)
    whole = [tries.undisturbed_seconds() for _ in range(3)]
    tries.figures.whole_seconds = statistics.median(whole)
    for number in range(times):
        part = (number - random.random()) / (times - 1) if number else 0.0
        for _ in range(STRIKES):
            ended_after = tries.struck_after(part * statistics.median(whole[-3:]), strike)
            recover()
            if ended_after is None:
                break
            whole.append(ended_after)
        tries.finish()
    return tries.figures


@dataclass(frozen=True)
class _Tries:
    """The tries at one remedy; each begins in the old state."""

    remedy: Remedy
    processes: RemedyProcesses
    since: str
    figures: Figures = field(default_factory=Figures)

    def undisturbed_seconds(self) -> float:
        self.remedy.reset()
        assert self.remedy.state(self.processes) == "old"
        self.processes.begin(self.remedy.order, self.since)
        started = time.monotonic()
        self.processes.go_on()
        ended = self.processes.end()
        seconds = time.monotonic() - started
        assert ended["exit"] == 0, ended
        assert self.remedy.state(self.processes) == "new"
        return seconds

    def struck_after(self, seconds: float, strike: Strike) -> float | None:
        """None when the strike hit; else how long the try took, which was quicker."""
        self.remedy.reset()
        self.processes.begin(self.remedy.order, self.since)
        started = time.monotonic()
        if seconds:
            self.processes.go_on()
            time.sleep(seconds)
        strike(self.processes)
        self.processes.go_on()
        ended = self.processes.end()
        ended_after = time.monotonic() - started
        assert ended["exit"] in (0, -signal.SIGKILL), ended
        left = self.remedy.state(self.processes)
        self.figures.tries += 1
        if ended["exit"] == 0 and left == "new":
            return ended_after
        self.figures.struck += 1
        self.figures.left[left] += 1
        self.figures.said.update(_codes(ended))
        return None

    def finish(self) -> None:
        """The try after a strike, in whatever state that left."""
        started = time.monotonic()
        self.processes.do(self.remedy.order)
        seconds = time.monotonic() - started
        self.figures.longest_rerun_seconds = max(self.figures.longest_rerun_seconds, seconds)
        assert self.remedy.state(self.processes) == "new"


def _codes(ended: Mapping[str, Any]) -> list[str]:
    """Of the failure, or of the events of a try that did not fail."""
    if "answer" not in ended:
        return []
    return [ended["answer"]["code"]] if "code" in ended["answer"] else ended["codes"]


@contextmanager
def remedy_processes(needs: str, environment: Mapping[str, str]) -> Iterator[RemedyProcesses]:
    words: Sequence[str] = [sys.executable, "-m", "tests.worker.models.remedy_processes", needs]
    with subprocess.Popen(
        words,
        env={"PYTHONPATH": str(PROJECT_ROOT), "OMP_NUM_THREADS": "1", **environment},
        cwd=PROJECT_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield RemedyProcesses(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
