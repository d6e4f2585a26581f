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
SLACK = 1.2  # so that the very end of a slower try is struck too
COUNT = int(os.environ.get("TUNEDOCK_INTERRUPTIONS", "5"))
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
    """How it went: `struck` tries ended without success; `left` are states, `said` failures and events."""

    whole_seconds: float
    struck: int = 0
    left: Counter[str] = field(default_factory=Counter)
    said: Counter[str] = field(default_factory=Counter)
    longest_rerun_seconds: float = 0.0


def interrupt(
    remedy: Remedy,
    strike: Strike,
    *,
    environment: Mapping[str, str],
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
    with remedy_processes(remedy.needs, environment) as processes:
        figures = Figures(_whole_seconds(remedy, processes, since))
        for number in range(times):
            remedy.reset()
            moment = (
                SLACK * figures.whole_seconds * (number - random.random()) / max(1, times - 1)
                if number
                else 0
            )
            processes.begin(remedy.order, since)
            _strike_after(moment, strike, processes)
            ended = processes.end()
            assert ended["exit"] in (0, -signal.SIGKILL), ended
            _note(figures, ended)
            figures.left[remedy.state(processes)] += 1
            recover()
            started = time.monotonic()
            processes.do(remedy.order)
            rerun_seconds = time.monotonic() - started
            figures.longest_rerun_seconds = max(figures.longest_rerun_seconds, rerun_seconds)
            assert remedy.state(processes) == "new", f"the rerun after {moment:.3f} s did not finish"
    return figures


def _strike_after(seconds: float, strike: Strike, processes: RemedyProcesses) -> None:
    if seconds == 0:
        strike(processes)
        processes.go_on()
    else:
        processes.go_on()
        time.sleep(seconds)
        strike(processes)


@contextmanager
def remedy_processes(needs: str, environment: Mapping[str, str]) -> Iterator[RemedyProcesses]:
    words: Sequence[str] = [sys.executable, "-m", "tests.worker.loading.remedy_processes", needs]
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


def _whole_seconds(remedy: Remedy, processes: RemedyProcesses, since: str) -> float:
    """The median of three undisturbed tries, which must end well."""
    seconds = []
    for _ in range(3):
        remedy.reset()
        assert remedy.state(processes) == "old"
        processes.begin(remedy.order, since)
        started = time.monotonic()
        processes.go_on()
        ended = processes.end()
        seconds.append(time.monotonic() - started)
        assert ended["exit"] == 0, ended
        assert remedy.state(processes) == "new"
    return statistics.median(seconds)


def _note(figures: Figures, ended: Mapping[str, Any]) -> None:
    figures.struck += "answer" not in ended or "code" in ended["answer"]
    if ended["exit"] == 0:
        figures.said.update([ended["answer"]["code"]] if "code" in ended["answer"] else ended["codes"])
