"""Supervision on real processes: restarts, order of stopping, nothing left behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from services.cli.process import ProcessSpec, SupervisedProcess
from services.cli.supervisor import Supervisor
from shared.messages.message import Message
from shared.messages.render import render

SLEEPS = "import time; time.sleep(600)"
IGNORES_SIGTERM = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf'); time.sleep(600)"
HAS_A_CHILD = (
    "import subprocess, sys, time;"
    "print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']).pid); time.sleep(600)"
)

Lines = list[tuple[str, str]]


def process(folder: Path, name: str, code: str, lines: Lines, stop_seconds: float = 5.0) -> SupervisedProcess:
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    spec = ProcessSpec(name, (sys.executable, "-c", code), environment, folder, stop_seconds)
    return SupervisedProcess(spec, folder / f"{name}.log", lambda part, line: lines.append((part, line)))


def until(reached: Callable[[], bool], supervisor: Supervisor | None = None, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline, "waited in vain"
        if supervisor:
            supervisor.tick()
        time.sleep(0.01)


def lives(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


@pytest.fixture
def lines() -> Lines:
    return []


def test_a_process_that_was_killed_is_started_again_after_its_back_off(tmp_path: Path, lines: Lines) -> None:
    deaths: list[int | None] = []
    part = process(tmp_path, "part", SLEEPS, lines)
    supervisor = Supervisor([part], lambda dead: deaths.append(dead.exit_code))
    supervisor.start("part")
    first = part.pid
    assert first
    os.kill(first, signal.SIGKILL)
    killed_at = time.monotonic()
    until(lambda: part.restarts == 1, supervisor)
    assert time.monotonic() - killed_at >= 0.5
    assert deaths == [-signal.SIGKILL]
    assert part.pid not in (None, first)
    supervisor.stop(lambda text: None, hurry=lambda: False)


def test_children_of_a_dead_process_die_before_it_is_started_again(tmp_path: Path, lines: Lines) -> None:
    part = process(tmp_path, "part", HAS_A_CHILD, lines)
    supervisor = Supervisor([part], lambda dead: None)
    supervisor.start("part")
    until(lambda: bool(lines))
    child = int(lines[0][1])
    assert lives(child)
    assert part.pid
    os.kill(part.pid, signal.SIGKILL)
    until(lambda: part.pid is None, supervisor)
    until(lambda: not lives(child))
    supervisor.stop(lambda text: None, hurry=lambda: False)
    assert part.restarts == 0


def test_parts_are_stopped_last_started_first(tmp_path: Path, lines: Lines) -> None:
    parts = [process(tmp_path, name, SLEEPS, lines) for name in ("store", "api", "worker")]
    supervisor = Supervisor(parts, lambda dead: None)
    for part in parts:
        supervisor.start(part.spec.name)
    told: list[Message] = []
    supervisor.stop(told.append, hurry=lambda: False)
    assert [render(one) for one in told] == ["stopping worker", "stopping api", "stopping store"]
    assert all(part.gone() for part in parts)


def test_a_part_that_will_not_stop_is_killed_when_its_time_is_over(tmp_path: Path, lines: Lines) -> None:
    part = process(tmp_path, "part", IGNORES_SIGTERM, lines, stop_seconds=0.3)
    supervisor = Supervisor([part], lambda dead: None)
    supervisor.start("part")
    until(lambda: bool(lines))
    started = time.monotonic()
    supervisor.stop(lambda text: None, hurry=lambda: False)
    assert 0.3 <= time.monotonic() - started < 5
    assert part.exit_code == -signal.SIGKILL


def test_a_second_interrupt_does_not_wait(tmp_path: Path, lines: Lines) -> None:
    part = process(tmp_path, "part", IGNORES_SIGTERM, lines, stop_seconds=60)
    supervisor = Supervisor([part], lambda dead: None)
    supervisor.start("part")
    until(lambda: bool(lines))
    started = time.monotonic()
    supervisor.stop(lambda text: None, hurry=lambda: True)
    assert time.monotonic() - started < 5


def test_output_goes_to_the_log_the_listener_and_the_tail(tmp_path: Path, lines: Lines) -> None:
    part = process(tmp_path, "part", r"import os; print('one'); os.write(1, b'\xfftwo 100%s\n')", lines)
    part.start()
    until(part.died)
    assert [line for _, line in lines] == ["one", "�two 100%s"]
    assert list(part.tail) == ["one", "�two 100%s"]
    assert (tmp_path / "part.log").read_text() == "one\n�two 100%s\n"


def test_a_part_whose_trouble_is_over_is_started_at_once(tmp_path: Path, lines: Lines) -> None:
    part = process(tmp_path, "part", "raise SystemExit(1)", lines)
    supervisor = Supervisor([part], lambda dead: None)
    supervisor.start("part")
    until(lambda: (part.start_again_at or 0) > time.monotonic() + 1, supervisor, seconds=30)
    restarts = part.restarts
    part.wait_no_longer()
    supervisor.tick()
    assert part.restarts == restarts + 1
    supervisor.stop(lambda text: None, hurry=lambda: False)


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_nothing_outlives_a_supervisor_that_was_killed(tmp_path: Path) -> None:
    code = f"""
import os, signal, sys, time
from pathlib import Path
from services.cli.process import ProcessSpec, SupervisedProcess
for name, death in (("gentle", signal.SIGTERM), ("hard", signal.SIGKILL)):
    spec = ProcessSpec(name, (sys.executable, "-c", {SLEEPS!r}), os.environ, Path("."), 5.0, death)
    part = SupervisedProcess(spec, Path({str(tmp_path)!r}, name), lambda name, line: None)
    part.start()
    print(part.pid, flush=True)
time.sleep(600)
"""
    supervisor = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert supervisor.stdout is not None
    with supervisor.stdout as output:
        pids = [int(output.readline()) for _ in range(2)]
        assert all(lives(pid) for pid in pids)
        supervisor.kill()
        supervisor.wait()
        until(lambda: not any(lives(pid) for pid in pids))
