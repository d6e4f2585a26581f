"""`./tunedock explain`: whose words are whose, and the program's environment is the caller's."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.cli.explain.command import PROBE, callers_environment, probed
from services.cli.failure import UsageError
from tests.explain.probed import ENVIRONMENT

ROOT = Path(__file__).resolve().parents[2]
PYTHON = sys.executable


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ([PYTHON, "train.py", "--json", "x"], [PYTHON, str(PROBE), "train.py", "--json", "x"]),
        ([PYTHON, "-u", "-X", "dev", "-Wd", "a.py"], [PYTHON, "-u", "-X", "dev", "-Wd", str(PROBE), "a.py"]),
        ([PYTHON, "-m", "my.train", "-v"], [PYTHON, str(PROBE), "-m", "my.train", "-v"]),
        ([PYTHON, "-I", "-c", "1"], [PYTHON, "-I", str(PROBE), "-c", "1"]),
        ([PYTHON, "-mtrain", "-u"], [PYTHON, str(PROBE), "-mtrain", "-u"]),
    ],
)
def test_the_probe_comes_between_python_and_the_program(program: list[str], expected: list[str]) -> None:
    assert probed(program, None) == expected


def test_the_report_s_file_is_the_probe_s_word() -> None:
    assert probed([PYTHON, "a.py"], "r.json") == [PYTHON, str(PROBE), "--json", "r.json", "a.py"]


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ([], "Write the program"), (["train.py"], "begins with 'train.py'"),
        (["accelerate", "launch"], "not a Python interpreter"), ([PYTHON, "-u"], "is not a program to run"),
        (["python-of-nobody", "a.py"], "There is no program"),
    ],
)  # fmt: skip
def test_what_is_no_python_program_is_refused(program: list[str], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        probed(program, None)


@pytest.mark.parametrize("safe", [None, "1"])
def test_the_program_has_the_caller_s_paths(safe: str | None) -> None:
    caller = {"PYTHONPATH": "/mine"} | ({"PYTHONSAFEPATH": safe} if safe else {})
    launched = caller | {"PYTHONPATH": f"{ROOT}{os.pathsep}/mine", "PYTHONSAFEPATH": "1"}
    assert callers_environment(launched | {"TUNEDOCK_CALLERS_SAFEPATH": safe or ""}) == caller


def test_the_command_is_the_program(tmp_path: Path) -> None:
    """Its words, input, output and exit status; its folder is where the caller stands."""
    (tmp_path / "own.py").write_text("number = 5\n")
    (tmp_path / "program.py").write_text(
        "import own, sys\n"
        "print(sys.argv, sys.stdin.read(), sys.path[0], sys.flags.safe_path)\n"
        "sys.exit(own.number)\n"
    )
    done = subprocess.run(
        [ROOT / "tunedock", "explain", "--json", "r.json", "--", PYTHON, "program.py", "--json", "a"],
        cwd=tmp_path, env=ENVIRONMENT | {"TUNEDOCK_PYTHON": PYTHON}, input="in", capture_output=True,
        text=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (5, f"['program.py', '--json', 'a'] in {tmp_path} False\n")
    assert (tmp_path / "r.json").exists()
