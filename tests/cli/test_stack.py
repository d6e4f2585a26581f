"""`up`, `down` and what keeps the stack together, on the real processes."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from services.api.auth import new_key
from services.cli.stack import ready_lines
from services.cli.stack_state import folder_is_owned, process_start, running_stack
from services.cli.terminal import Terminal
from tests.stack import LiveStack, live_stack, stack_environment
from tests.valkey import Valkey


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return os.environ | stack_environment(tmp_path)


def up(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "services.cli", "up"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_taken_port_is_named_with_the_setting_that_changes_it(environment: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", int(environment["TUNEDOCK_API_PORT"]))):
        refused = up(environment)
    assert refused.returncode == 1
    assert "TUNEDOCK_API_PORT" in refused.stderr


def test_a_new_key_is_shown_whole_on_a_line_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")  # narrower than a key
    key = new_key()
    terminal = Terminal()
    for line in ready_lines("http://127.0.0.1:8080", tmp_path / "api.key", tmp_path, key):
        terminal.say(line)
    assert key in capsys.readouterr().out.splitlines()
    assert key not in "".join(ready_lines("http://127.0.0.1:8080", tmp_path / "api.key", tmp_path, None))


def test_a_part_that_can_not_start_is_quoted_and_nothing_is_left(
    environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "keys").write_text("# no key here\n")
    failed = up(environment | {"TUNEDOCK_API_KEYS_FILE": str(tmp_path / "keys")})
    assert failed.returncode == 1
    assert "api ended 4 times before the service was ready" in failed.stderr
    assert "has no API key" in failed.stderr
    assert not folder_is_owned(tmp_path / "data")


def test_ctrl_c_stops_a_stack_with_a_store_of_ones_own(environment: dict[str, str], tmp_path: Path) -> None:
    store = Valkey(tmp_path).start()
    with Path("/dev/full").open("w") as full:  # a supervisor goes on though a disk takes none of its lines
        process = subprocess.Popen(
            [sys.executable, "-m", "services.cli", "up", "--json"],
            env=environment | {"TUNEDOCK_STORE_URL": store.url},
            stdout=subprocess.PIPE,
            stderr=full,
            text=True,
        )
    assert process.stdout is not None
    with process.stdout as output:
        ready = json.loads(output.readline())
        stack = running_stack(tmp_path / "data")
        process.send_signal(signal.SIGINT)
        events = [json.loads(line) for line in output]
    store.kill()
    assert ready["event"] == "ready"
    assert stack is not None
    assert set(stack.processes) == {"api", "worker"}
    assert Path(ready["key_file"]).is_file()
    assert events == [{"event": "stopped"}]
    assert process.wait() == 0
    assert not folder_is_owned(tmp_path / "data")


def test_a_first_start_says_nothing_that_nobody_has_to_act_on(tmp_path: Path) -> None:
    """No folder that was open to others for a moment, no library's warning of what we do not do."""
    with live_stack(tmp_path) as stack:
        said = stack.log("worker") + stack.log("stack")
    for nothing in ("superuser", "kernels", "could be used by other users"):
        assert nothing not in said


@pytest.mark.parametrize("part", ["store", "api", "worker"])
def test_a_part_that_was_killed_comes_back_and_records_are_kept(stack: LiveStack, part: str) -> None:
    job = stack.client.submit({"kind": "load_diagnostic", "trial_load": False})
    stack.kill(part)
    assert stack.until_ended(job.id).status == "succeeded"


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG is Linux's")
def test_after_its_supervisor_was_killed_the_folder_can_be_used_at_once_and_down_stops_it(
    tmp_path: Path,
) -> None:
    with live_stack(tmp_path) as first:
        job = first.client.submit({"kind": "load_diagnostic", "trial_load": False})
        first.until_ended(job.id)
        state = first.state()
        starts = {pid: process_start(pid) for pid in state.processes.values()}
        os.kill(state.pid, signal.SIGKILL)
        with live_stack(tmp_path) as second:
            assert all(process_start(pid) != start for pid, start in starts.items())
            assert second.key == first.key
            assert second.client.job(job.id).status == "succeeded"
            assert json.loads(second.command("down", "--json").stdout) == {"stopped": True}
            assert not folder_is_owned(tmp_path / "data")
