"""Who owns a data folder, and how other commands find out."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from services.cli import stack_state
from services.cli.failure import CommandFailed
from services.cli.stack_note import StackNote
from services.cli.stack_state import (
    StackState,
    folder_is_owned,
    own_folder,
    process_start,
    remove_state,
    running_stack,
    write_state,
)
from services.cli.terminal import Terminal
from shared.messages.render import told
from shared.settings import Settings


def our_state() -> StackState:
    return StackState(os.getpid(), process_start(os.getpid()), "http://127.0.0.1:1", processes={"api": 12})


def test_a_second_stack_on_a_folder_is_refused_and_told_of_the_first(tmp_path: Path) -> None:
    with own_folder(tmp_path, lambda text: None):
        write_state(tmp_path, our_state())
        with (
            pytest.raises(CommandFailed, match="uses the data folder") as caught,
            own_folder(tmp_path, lambda text: None),
        ):
            pass
    assert "./tunedock down" in caught.value.remedy
    assert not folder_is_owned(tmp_path)


def test_the_folder_is_owned_until_the_last_inheriting_process_ends(tmp_path: Path) -> None:
    with own_folder(tmp_path, lambda text: None) as lock:
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[lock])
    assert folder_is_owned(tmp_path)
    child.communicate(b"\n")
    assert not folder_is_owned(tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells")
def test_a_part_that_hangs_does_not_keep_the_folder_when_its_supervisor_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stack_state, "LEFTOVER_SECONDS", 0.3)
    sleeper = [sys.executable, "-c", "import time; time.sleep(60)"]
    with own_folder(tmp_path, lambda text: None) as lock:
        hung = subprocess.Popen(sleeper, pass_fds=[lock], start_new_session=True)
    other = subprocess.Popen(sleeper, start_new_session=True)  # got a number that the note names
    hung.send_signal(signal.SIGSTOP)
    processes = {"store": hung.pid, "api": other.pid, "worker": 2**22 + 1}
    write_state(tmp_path, StackState(os.getpid(), "1", "http://127.0.0.1:1", processes=processes))
    said: list[str] = []
    with own_folder(tmp_path, lambda message: said.append(told(message))):
        assert hung.wait(10) == -signal.SIGKILL
        assert other.poll() is None
    other.kill()
    other.wait()
    assert said[-1] == f"The process {hung.pid} of an earlier service hung and was ended."


def test_a_state_note_is_found_while_its_process_lives(tmp_path: Path) -> None:
    assert running_stack(tmp_path) is None
    write_state(tmp_path, our_state())
    assert running_stack(tmp_path) == our_state()
    remove_state(tmp_path)
    assert running_stack(tmp_path) is None


def test_a_process_that_only_inherited_the_number_is_not_the_stack(tmp_path: Path) -> None:
    write_state(tmp_path, StackState(os.getpid(), "1", "http://127.0.0.1:1"))
    assert running_stack(tmp_path) is None


@pytest.mark.skipif(sys.platform != "linux", reason="/proc tells")
def test_a_process_that_ended_is_not_the_stack_even_before_its_parent_asks(tmp_path: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    write_state(tmp_path, StackState(child.pid, process_start(child.pid), "http://127.0.0.1:1"))
    assert running_stack(tmp_path) is not None
    assert child.stdin is not None
    child.stdin.close()
    deadline = time.monotonic() + 10
    while running_stack(tmp_path) is not None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    child.wait()


def test_a_damaged_note_is_no_stack(tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text('{"pid": 1')
    assert running_stack(tmp_path) is None


def test_a_folder_that_can_not_be_made_is_said_plainly(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CommandFailed) as caught, own_folder(tmp_path / "file" / "data", lambda text: None):
        pass
    assert "TUNEDOCK_DATA_DIR" in caught.value.remedy


def test_a_note_says_once_that_the_folder_takes_it_again(tmp_path: Path) -> None:
    note = StackNote(Settings(data_dir=tmp_path), Terminal())
    assert not note.write(our_state())
    (tmp_path / "stack.json.new").mkdir()
    assert not note.write(our_state())
    assert not note.write(our_state())
    (tmp_path / "stack.json.new").rmdir()
    assert note.write(our_state())
    assert not note.write(our_state())
