"""Signs of life between the worker's processes: who hangs is ended, who was stopped with us is not."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.worker.process import pulse
from services.worker.process.pulse import ChildWatch, Pulse, Watch, pool_children
from shared.life_sign import life_sign
from shared.silence import Silence

GIVES_SIGNS = """
import sys, time
from pathlib import Path
from services.worker.process.pulse import Pulse
Pulse(Path(sys.argv[1]), "worker", lambda: None).start()
time.sleep(600)
"""


@pytest.fixture
def child(tmp_path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that gives signs, and looks like one of Celery's pool."""
    process = subprocess.Popen([sys.executable, "-c", GIVES_SIGNS, str(tmp_path), "--billiard-fork"])
    deadline = time.monotonic() + 30
    while not life_sign(tmp_path, "worker", process.pid).exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    yield process
    process.kill()
    process.wait()


def look_until(look: "Watch | ChildWatch", process: "subprocess.Popen[bytes]", seconds: float) -> bool:
    """Whether the process ended while it was looked at for `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        look.look()
        if process.poll() is not None:
            return True
        time.sleep(0.1)
    return False


def test_a_child_that_is_stopped_is_ended_and_one_that_gives_signs_is_not(
    tmp_path: Path, child: "subprocess.Popen[bytes]"
) -> None:
    assert pool_children() == {child.pid}
    watch = ChildWatch(tmp_path, "worker", hang_seconds=2.5)
    assert not look_until(watch, child, 4)
    assert watch.silent_seconds < 2.5
    child.send_signal(signal.SIGSTOP)
    assert look_until(watch, child, 15)
    assert child.returncode == -signal.SIGKILL
    watch.look()
    assert watch.silent_seconds == 0
    assert not life_sign(tmp_path, "worker", child.pid).exists()


def test_a_process_that_never_gave_a_sign_is_given_more_time_but_not_for_ever(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        watch = Watch(tmp_path, "worker", process.pid, hang_seconds=0.5)
        assert not look_until(watch, process, 1.2)
        assert look_until(watch, process, 10)
    finally:
        process.kill()
        process.wait()


def test_time_in_which_nobody_looked_is_no_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both processes of a container that is paused for an hour were silent, and neither hangs."""
    now = 1000.0
    monkeypatch.setattr("shared.silence.time.monotonic", lambda: now)
    silence = Silence(pulse.PULSE_SECONDS)
    silence.after("sign")
    now += 3600
    assert silence.after("sign") == 2 * pulse.PULSE_SECONDS
    now += 1
    assert silence.after("sign") == 2 * pulse.PULSE_SECONDS + 1
    assert silence.after("another sign") == 0


def test_a_disk_that_takes_no_sign_judges_nobody(tmp_path: Path) -> None:
    (tmp_path / "worker").mkdir()
    looks: list[int] = []
    pulse_of_ours = Pulse(tmp_path, "worker", lambda: looks.append(1))
    sign = life_sign(tmp_path, "worker", os.getpid())
    sign.symlink_to(tmp_path / "missing" / "folder")
    pulse_of_ours._turn()
    assert not looks
    sign.unlink()
    pulse_of_ours._turn()
    assert looks
