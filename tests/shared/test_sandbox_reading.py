"""What a sandboxed reader may open: its input and its libraries, and by no detour anything else."""

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.sandbox import SandboxLimits, run_in_sandbox
from shared.sandbox.libraries import library_paths
from shared.settings import PROJECT_ROOT

VIOLATIONS = "tests.shared.violations"
LIMITS = SandboxLimits(wall_seconds=20, cpu_seconds=10)
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Landlock is Linux's")


@pytest.fixture(autouse=True)
def landlock(need: Callable[[bool, str], None]) -> None:
    need(run_in_sandbox(VIOLATIONS, ["echo"], LIMITS).files_isolated, "Landlock (Linux 5.13 on)")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with a key, an input and the rows of another job."""
    folder = tmp_path / "data"
    for name in ("api.key", "files/input", "files/input_other", "jobs/other/rows/training.jsonl"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    return folder


def violate(*arguments: object, readable: tuple[Path, ...] = ()) -> object:
    result = run_in_sandbox(VIOLATIONS, [str(each) for each in arguments], LIMITS, readable=readable)
    assert result.reason == "ok", result.error_text
    return result.value


def test_the_input_is_read_and_nothing_beside_it(data: Path) -> None:
    source = data / "files" / "input"
    others = [data / "files" / "input_other", data / "api.key", data / "jobs/other/rows/training.jsonl"]
    assert violate("try_read", source, *others, readable=(source,)) == [None, *([errno.EACCES] * 3)]


def test_secrets_of_the_machine_and_of_other_processes_are_closed(data: Path) -> None:
    home = Path.home() / ".profile"
    paths = ["/etc/passwd", "/etc/shadow", "/proc/1/environ", f"/proc/{os.getpid()}/environ", home]
    seen = violate("try_read", *paths)
    assert isinstance(seen, list)
    assert set(seen) <= {errno.EACCES, errno.ENOENT, errno.EPERM}
    assert seen[0] == errno.EACCES
    assert violate("try_parent", "environ", "maps", "fd/0", "cwd/README.md") == [errno.EACCES] * 4


def test_our_own_folder_is_closed_but_for_its_code() -> None:
    paths = [PROJECT_ROOT / "README.md", PROJECT_ROOT / "services" / "api" / "app.py", "README.md"]
    assert violate("try_read", *paths, PROJECT_ROOT / "shared" / "units.py") == [*([errno.EACCES] * 3), None]


def test_no_folder_outside_can_be_listed(data: Path) -> None:
    inside = data / "files"
    places = [inside, data, "/", "/etc", "/tmp", PROJECT_ROOT, "/proc", "/root", "/home"]
    seen = violate("try_list", *places, readable=(inside,))
    assert isinstance(seen, list)
    assert seen[0] is None
    assert set(seen[1:]) <= {errno.EACCES, errno.ENOENT}


def test_links_and_detours_lead_to_nothing_that_is_closed(data: Path) -> None:
    key, folder = data / "api.key", data / "files"
    (folder / "link").symlink_to(key)
    (folder / "folder_link").symlink_to(data / "jobs")
    detours = [
        folder / "link",
        folder / "folder_link" / "other" / "rows" / "training.jsonl",
        f"{folder}/../api.key",
        f"/proc/self/root{key}",
        f"/proc/self/cwd/../../{key}",
        f"/proc/thread-self/root{key}",
    ]
    seen = violate("try_read", *detours, readable=(folder,))
    assert isinstance(seen, list)
    assert set(seen) <= {errno.EACCES, errno.ENOENT}
    assert violate("try_read_by_own_link", key) == errno.EACCES
    assert violate("try_read_beside", folder, "../api.key", readable=(folder,)) == errno.EACCES


def test_an_input_that_is_a_link_is_read_at_its_target_alone(data: Path) -> None:
    link = data / "files" / "link"
    link.symlink_to(data / "files" / "input")
    assert violate("try_read", link, data / "api.key", readable=(link,)) == [None, errno.EACCES]


def test_no_path_of_libraries_holds_our_folder_or_is_a_home() -> None:
    paths = library_paths()
    assert not any(PROJECT_ROOT.is_relative_to(path) for path in paths)
    assert not {Path("/"), Path.home(), Path("/etc"), Path("/tmp"), Path("/var")} & set(paths)


WITHOUT_LANDLOCK = """
import ctypes, json, logging, os, struct, sys
from shared.sandbox import seccomp, SandboxLimits, run_in_sandbox

unknown = seccomp._ERRNO | 38
program = [seccomp._load(0)]
for number in (444, 445, 446):
    program += seccomp._when(seccomp._JUMP_EQUAL, number, unknown)
program.append((seccomp._RETURN, 0, 0, seccomp._ALLOW))
code = b"".join(struct.pack("=HBBI", *each) for each in program)
libc = ctypes.CDLL(None)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, ctypes.byref(seccomp._Program(len(program), code)), 0, 0) == 0
logging.basicConfig(format="%(message)s")
limits = SandboxLimits(wall_seconds=20, cpu_seconds=10)
seen = []
for act in (["connect", "9"], ["execute"], ["fork"], ["signal_parent"]):
    result = run_in_sandbox("tests.shared.violations", act, limits)
    seen.append([result.value, result.files_isolated, result.network_isolated])
required = run_in_sandbox("tests.shared.violations", ["echo"], limits, require_isolation=True)
print(json.dumps({"seen": seen, "required": required.reason}))
"""


def test_without_landlock_it_is_told_once_and_the_other_bounds_hold() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_LANDLOCK], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True
    )
    said = json.loads(done.stdout)
    assert said == {"seen": [[errno.EPERM, False, True]] * 4, "required": "no_isolation"}
    assert done.stderr.count("this kernel has no Landlock") == 1
