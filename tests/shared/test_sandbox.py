"""The sandbox against real violations: every one must end in the child and be told by its name."""

import contextlib
import errno
import logging
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shared.sandbox import SandboxLimits, SandboxResult, run_in_sandbox
from shared.settings import PROJECT_ROOT

VIOLATIONS = "tests.shared.violations"
LIMITS = SandboxLimits(wall_seconds=20, cpu_seconds=10, memory_bytes=4 * 1024**3, file_bytes=1024**2)
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="seccomp and Landlock are Linux's")


def violate(
    *arguments: str, limits: SandboxLimits = LIMITS, writable: tuple[Path, ...] = ()
) -> SandboxResult:
    return run_in_sandbox(VIOLATIONS, arguments, limits, writable=writable)


def test_a_quiet_run_returns_its_value_and_each_printed_line() -> None:
    lines: list[str] = []
    result = run_in_sandbox(VIOLATIONS, ["echo", "하나", "two"], LIMITS, on_line=lines.append)
    assert (result.reason, result.value, result.exit_code) == ("ok", {"words": ["하나", "two"]}, 0)
    assert lines == ["하나", "two"]


@linux_only
def test_the_network_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        socket.create_connection(("127.0.0.1", int(port))).close()
        result = violate("connect", port)
    assert result.value == errno.EPERM
    assert result.network_isolated


@linux_only
@pytest.mark.parametrize("act", ["execute", "start_program", "fork", "signal_parent"])
def test_other_programs_can_be_neither_started_nor_signalled(act: str) -> None:
    assert violate(act).value == errno.EPERM


@linux_only
def test_a_call_newer_than_the_filter_is_unknown() -> None:
    assert violate("unknown_call").value == [-1, errno.ENOSYS]


def test_threads_can_be_started() -> None:
    assert violate("start_thread").value == [1]


@linux_only
def test_too_much_memory_ends_only_the_child() -> None:
    assert violate("fill_memory").reason == "memory"


@linux_only
def test_memory_that_is_written_to_has_a_bound_of_its_own() -> None:
    limits = SandboxLimits(wall_seconds=20, memory_bytes=16 * 1024**3, data_bytes=512 * 1024**2)
    assert violate("fill_a_gigabyte", limits=limits).reason == "memory"
    roomy = SandboxLimits(wall_seconds=20, memory_bytes=16 * 1024**3, data_bytes=2 * 1024**3)
    assert violate("fill_a_gigabyte", limits=roomy).value == 1024**3


@linux_only
def test_where_memory_runs_out_the_child_goes_before_its_parent() -> None:
    assert violate("first_to_go").value == "1000"


def test_an_endless_loop_ends_by_the_processor_limit() -> None:
    limits = SandboxLimits(wall_seconds=20, cpu_seconds=1)
    result = violate("loop", limits=limits)
    assert result.reason == "time"
    assert result.seconds < 10


def test_a_sleeping_child_ends_by_the_wall_clock() -> None:
    result = violate("sleep", limits=SandboxLimits(wall_seconds=0.5))
    assert result.reason == "time"
    assert result.seconds < 5


def test_a_child_that_never_stops_talking_ends_by_the_wall_clock() -> None:
    result = violate("talk", limits=SandboxLimits(wall_seconds=1, cpu_seconds=30))
    assert result.reason == "time"
    assert result.seconds < 5


def test_a_crash_of_native_code_ends_only_the_child() -> None:
    result = violate("crash")
    assert (result.reason, result.value) == ("signal", None)
    assert result.network_isolated == (sys.platform == "linux")


def test_a_file_larger_than_allowed_is_refused(tmp_path: Path) -> None:
    result = violate("write", str(tmp_path / "big"), str(2 * 1024**2), writable=(tmp_path,))
    assert result.reason == "file_size"
    assert (tmp_path / "big").stat().st_size <= LIMITS.file_bytes


@linux_only
def test_files_outside_the_writable_folders_cannot_be_changed(
    tmp_path: Path, need: Callable[[bool, str], None]
) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.write_text("kept")
    assert violate("try_write", str(inside / "new"), writable=(inside,)).value is None
    result = violate("try_write", str(outside), writable=(inside,))
    need(result.files_isolated, "Landlock (Linux 5.13 on)")
    assert result.value == errno.EACCES
    assert outside.read_text() == "kept"


def test_keys_and_tokens_do_not_reach_the_child(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_TOKEN", "TUNEDOCK_STORE_URL", "AWS_SECRET_ACCESS_KEY", "https_proxy"):
        monkeypatch.setenv(name, "top-secret")
    seen = violate("environment").value
    assert "top-secret" not in str(seen)
    assert set(seen) <= {
        *("LC_ALL", "LC_CTYPE", "HOME", "TMPDIR", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"),
        *("LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"),
    }


@linux_only
def test_open_files_of_the_parent_do_not_reach_the_child(tmp_path: Path) -> None:
    with (tmp_path / "secret").open("w") as stream:
        os.set_inheritable(stream.fileno(), True)
        seen = violate("descriptors").value
    assert not any("secret" in path for path in seen)


def test_an_answer_too_large_to_trust_is_an_error() -> None:
    result = violate("answer_much", limits=SandboxLimits(file_bytes=64 * 1024**2))
    assert (result.reason, result.value) == ("error", None)


def test_an_exception_of_the_listener_ends_the_child() -> None:
    class StopOrderedError(Exception):
        pass

    def stop(line: str) -> None:
        raise StopOrderedError(line)

    started = time.monotonic()
    with pytest.raises(StopOrderedError, match="first"):
        run_in_sandbox(VIOLATIONS, ["echo", "first", "second"], LIMITS, on_line=stop)
    assert time.monotonic() - started < 5


@linux_only
def test_the_child_dies_with_its_parent(tmp_path: Path) -> None:
    with sleeping_run(tmp_path) as (parent, child):
        assert runs(child)
        parent.kill()
        parent.wait()
        deadline = time.monotonic() + 10
        while runs(child) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not runs(child)


@linux_only
def test_a_later_run_sweeps_what_a_killed_one_left_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    others = [tmp_path / "tunedock-sandbox-fresh", tmp_path / "something", tmp_path / "tunedock-sandbox-link"]
    others[0].mkdir()
    others[1].mkdir()
    others[2].symlink_to(others[1])
    os.utime(others[1], (0, 0))
    with sleeping_run(tmp_path) as (parent, _):
        (folder,) = set(tmp_path.iterdir()) - {*others}
        os.utime(folder, (0, 0))
        violate("echo")
        assert folder.exists(), "it is in use"
        parent.kill()
        parent.wait()
    assert folder.exists()
    violate("echo")
    assert set(tmp_path.iterdir()) == {*others}


@contextlib.contextmanager
def sleeping_run(temporary: Path) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    """A process with a sandboxed child that sleeps, and the child's id; its temporary files go there."""
    code = (
        "from shared.sandbox import SandboxLimits, run_in_sandbox\n"
        f"run_in_sandbox({VIOLATIONS!r}, ['sleep_aloud'], SandboxLimits(),"
        " on_line=lambda line: print(line, flush=True))"
    )
    command = [sys.executable, "-c", code]
    environment = {**os.environ, "TMPDIR": str(temporary)}
    with subprocess.Popen(
        command, cwd=PROJECT_ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        try:
            yield parent, int(parent.stdout.readline())
        finally:
            parent.kill()


def runs(pid: int) -> bool:
    """False once it is gone, or dead and only not yet collected."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_an_unknown_module_is_an_error_with_its_traceback() -> None:
    result = run_in_sandbox("shared.no_such_module", [], LIMITS)
    assert result.reason == "error"
    assert "no_such_module" in result.error_text


@linux_only
def test_isolation_can_be_required() -> None:
    result = run_in_sandbox(VIOLATIONS, ["echo"], LIMITS, require_isolation=True)
    assert result.reason == ("ok" if result.network_isolated and result.files_isolated else "no_isolation")


@linux_only
@pytest.mark.parametrize(("act", "value"), [("import_torch", 256.0**3), ("import_pyarrow", "['1', '2']")])
def test_the_libraries_it_is_made_for_work_inside(act: str, value: object) -> None:
    limits = SandboxLimits(wall_seconds=120, cpu_seconds=120, memory_bytes=32 * 1024**3)
    result = violate(act, limits=limits)
    assert result.value == value, result.error_text


def test_a_bad_end_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, logger="shared.sandbox.run"):
        violate("crash")
    assert "ended with signal" in caplog.text
