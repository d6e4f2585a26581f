"""`./tunedock check`, `./tunedock test` and `.ci/run`: what they say and the codes they end with."""

import json
import shutil
import subprocess
from pathlib import Path
from textwrap import dedent

import pytest

from services.cli import quality

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of one file and one test, with contracts of its own."""
    files = {
        "pyproject.toml": '[tool.mypy]\nfiles = ["app"]\n'
        '[tool.importlinter]\nroot_package = "app"\n'
        '[[tool.importlinter.contracts]]\nname = "one way"\ntype = "layers"\n'
        'layers = ["app.top", "app.base"]\n',
        "app/__init__.py": "",
        "app/base.py": "SIZE: int = 1\n",
        "app/top.py": "from app.base import SIZE\n\nDOUBLE = 2 * SIZE\n",
        "test_app.py": "def test_it() -> None:\n    assert True\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(quality, "ROOT", tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path


def test_clean_code_passes_every_check(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert quality.check([]) == 0
    said = capfd.readouterr().out
    assert [line.split()[:2] for line in said.splitlines()] == [[name, "ok"] for name in quality.CHECKS]


@pytest.mark.parametrize(
    ("failing", "text"),
    [
        ("lint", "import os\n"),
        ("format", "SIZE: int  =  1\n"),
        ("types", 'SIZE: int = "one"\n'),
        ("imports", "import app.top\n\nSIZE: int = len(app.top.__name__)\n"),
    ],
)
def test_each_check_fails_for_its_own_fault(
    project: Path, capfd: pytest.CaptureFixture[str], failing: str, text: str
) -> None:
    (project / "app/base.py").write_text(text)
    assert quality.check(["--json"]) == 1
    said = json.loads(capfd.readouterr().out)
    assert not said["ok"]
    assert failing in {check["check"] for check in said["checks"] if not check["ok"]}


def test_a_file_and_what_shares_an_engine_stay_in_one_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the hook that the suite itself is divided with."""
    body = """
        import os, pathlib, pytest, time

        @pytest.mark.parametrize("number", range(4))
        def test_it(number):
            time.sleep(0.05)
            with pathlib.Path(__file__).with_suffix(".seen").open("a") as seen:
                seen.write(os.environ["PYTEST_XDIST_WORKER"] + " ")
        """
    names = [f"tests/{name}.py" for name in ("containers/test_a", "containers/test_b", "test_c", "test_d")]
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(dedent(body))
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib -p tests.conftest\n")
    monkeypatch.setattr(quality, "ROOT", tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(PROJECT))
    assert quality.test(["-n", "2"]) == 0
    seen = [set((tmp_path / name).with_suffix(".seen").read_text().split()) for name in names]
    assert [len(workers) for workers in seen] == [1, 1, 1, 1]
    assert seen[0] == seen[1]
    assert len(set.union(*seen)) == 2


def test_check_refuses_words_it_does_not_know(capfd: pytest.CaptureFixture[str]) -> None:
    assert quality.check(["services/api"]) == 2
    assert "not 'services/api'" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("body", "arguments", "code"), [("True", [], 0), ("False", [], 1), ("True", ["-k", "nothing"], 5)]
)
def test_test_ends_as_pytest_does(
    project: Path, capfd: pytest.CaptureFixture[str], body: str, arguments: list[str], code: int
) -> None:
    (project / "test_app.py").write_text(f"def test_it() -> None:\n    assert {body}\n")
    assert quality.test(["--json", *arguments]) == code
    said = json.loads(capfd.readouterr().out)
    assert said["ok"] == (code == 0)
    assert said["exit_code"] == code
    assert said["tests"] == (0 if code == 5 else 1)
    assert said["failures"] == (1 if code == 1 else 0)


@pytest.mark.parametrize(("check", "test", "code"), [(0, 0, 0), (1, 0, 1), (0, 1, 1), (0, 5, 1)], ids=str)
def test_ci_fails_with_either_and_ends_with_pytest_s_closing_line(
    tmp_path: Path, check: int, test: int, code: int
) -> None:
    (tmp_path / ".ci").mkdir()
    shutil.copy2(PROJECT / ".ci/run", tmp_path / ".ci/run")
    launcher = tmp_path / "tunedock"
    launcher.write_text(
        f'#!/bin/sh\necho "CI=$CI $1"\n[ "$1" = check ] && exit {check}\necho closing; exit {test}\n'
    )
    launcher.chmod(0o755)
    done = subprocess.run([tmp_path / ".ci/run"], capture_output=True, text=True, cwd="/")
    assert done.returncode == code
    lines = done.stdout.splitlines()
    begin = lines.index("CI=true check")
    assert [line for line in lines[:begin] if "CI=" in line] == []  # what stands before are the disks
    assert lines[-1] == "closing"


@pytest.mark.parametrize("answers", [True, False])
def test_ci_starts_an_engine_only_where_none_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: bool
) -> None:
    started = tmp_path / "started"
    programs = {
        "repository/tunedock": "exit 0",
        "programs/docker": f"exit {0 if answers else 1}",
        "shared/ci/docker-engine": f"touch {started}; exit 1",
    }
    for name, line in programs.items():
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(f"#!/bin/sh\n{line}\n")
        (tmp_path / name).chmod(0o755)
    shutil.copytree(PROJECT / ".ci", tmp_path / "repository/.ci")
    monkeypatch.setenv("PATH", str(tmp_path / "programs"), prepend=":")
    done = subprocess.run([tmp_path / "repository/.ci/run"], capture_output=True, text=True, cwd="/")
    assert done.returncode == 0
    assert started.exists() is not answers
