"""A program under the probe is as without: its words, input, `__main__`, errors, signals and exit status."""

import ast
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from services.cli.explain.command import PROBE
from tests.explain.probed import ENVIRONMENT, Ended, run, run_probed

TELLS_ALL = """
import __main__, json, sys, os
told = {
    "argv": sys.argv, "path": sys.path, "file": __main__.__dict__.get("__file__"), "name": __name__,
    "names": sorted(name for name in vars(__main__)), "input": sys.stdin.read(),
    "spec": getattr(__spec__, "name", None),
    "package": __package__, "code": (lambda: 0).__code__.co_filename, "arguments": sys.orig_argv[-2:],
    "loader": type(__loader__).__name__,
}
print(json.dumps(told))
"""


def both(words: list[str | Path], folder: Path, *, own: list[str] | None = None) -> tuple[Ended, Ended]:
    """Without the probe, and with it."""
    plain = run(words, folder, own=own, given="line\n")
    return plain, run_probed(words, folder, own=own, given="line\n")


@pytest.mark.parametrize("own", [[], ["-I"], ["-P"], ["-S", "-E"]], ids=lambda own: " ".join(own) or "none")
@pytest.mark.parametrize("form", ["script", "module", "joined", "code", "elsewhere"])
def test_the_program_sees_what_it_sees_without_the_probe(form: str, own: list[str], tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    for place in (tmp_path / "told.py", tmp_path / "inner" / "told.py"):
        place.write_text(TELLS_ALL, encoding="utf-8")
    forms: dict[str, list[str | Path]] = {
        "script": ["told.py"], "elsewhere": ["inner/told.py"], "module": ["-m", "told"], "joined": ["-mtold"],
        "code": ["-c", TELLS_ALL.replace("__loader__", "type")],
    }  # fmt: skip
    plain, probed = both([*forms[form], "--json", "b c"], tmp_path, own=own)
    if form in ("module", "joined") and own in (["-I"], ["-P"]):
        assert plain.status == probed.status == 1  # Python does not look into the folder then
        return
    assert plain.status == 0
    assert probed.status == 0
    expected, seen = json.loads(plain.out), json.loads(probed.out)
    assert {name: seen[name] for name in seen if seen[name] != expected[name]} == {}


@pytest.mark.parametrize(
    "program",
    [
        "raise SystemExit(7)",
        "import sys; sys.exit('no such model')",
        "def deep():\n    raise ValueError('of the program')\ndeep()",
        "import os; os._exit(9)",
        "import atexit; atexit.register(print, 'at exit'); 1 / 0",
        "import sys; sys.excepthook = lambda *e: print('own hook', e[0].__name__); 1 / 0",
        "this is no Python",
        "import signal; signal.raise_signal(signal.SIGTERM)",
        "raise KeyboardInterrupt",
        "import module_of_nobody",
        "import breaks",
        "try:\n    import breaks\nexcept ValueError as error:\n    raise KeyError(1) from error",
    ],
)
def test_it_ends_as_it_ends_without_the_probe(program: str, tmp_path: Path) -> None:
    (tmp_path / "ends.py").write_text(program, encoding="utf-8")
    (tmp_path / "breaks.py").write_text("raise ValueError('at import')", encoding="utf-8")
    plain, probed = both(["ends.py"], tmp_path)
    assert (probed.status, probed.out) == (plain.status, plain.out)
    assert probed.err.startswith(plain.err)


def _hears_ctrl_c() -> None:
    """A program that a script started in the background ignores it, and so do its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_reaches_the_program_and_the_report_is_still_told(tmp_path: Path) -> None:
    (tmp_path / "waits.py").write_text(
        "import time\n"
        "try:\n    print('ready', flush=True); time.sleep(60)\n"
        "finally:\n    print('cleaned', flush=True)\n"
    )
    words = [sys.executable, str(PROBE), "--json", "report.json", "waits.py"]
    with subprocess.Popen(
        words, cwd=tmp_path, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=_hears_ctrl_c,
    ) as program:  # fmt: skip
        assert program.stdout is not None
        assert program.stdout.readline() == "ready\n"
        program.send_signal(signal.SIGINT)
        out, err = program.communicate(timeout=60)
    assert (program.returncode, out) == (-signal.SIGINT, "cleaned\n")
    assert "KeyboardInterrupt" in json.loads((tmp_path / "report.json").read_text())["program"]["outcome"]
    assert err.index("KeyboardInterrupt") < err.index("Tunedock explains")


@pytest.mark.parametrize("own", [[], ["-I"]], ids=["usual", "isolated"])
def test_the_program_comes_from_stdin_as_with_python(own: list[str], tmp_path: Path) -> None:
    plain = run(["-", "a"], tmp_path, own=own, given=TELLS_ALL)
    probed = run_probed(["-", "a"], tmp_path, own=own, given=TELLS_ALL)
    assert plain.status == probed.status == 0
    assert json.loads(probed.out) == json.loads(plain.out)


def test_the_status_of_a_text_is_1(tmp_path: Path) -> None:
    done = run_probed(["-c", "import sys; sys.exit('bye to all')"], tmp_path)
    assert done.status == 1
    assert done.report["program"]["outcome"] == "it ended with status 1"


def test_the_title_says_where_it_is_cut(tmp_path: Path) -> None:
    words = [f"--word-{number}" for number in range(20)]
    err = run_probed(
        ["-c", "import subprocess, sys; subprocess.run([sys.executable, '-V'])", *words], tmp_path
    ).err
    assert "--word-0" in err
    assert " …: " in err
    assert "accelerate launch" not in err  # it is no launcher
    assert "this probe watches the first process only" in err
    assert "Tunedock explains -c pass --word-0 --word-1 --word-2:" in (
        run_probed(["-c", "pass", *words[:3]], tmp_path).err
    )


SPAWNS = """
import multiprocessing, sys
def work(number):
    return number * 2, __name__, "tunedock_probe" in sys.modules
if __name__ == "__main__":
    with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
        print(pool.map(work, [1, 2]))
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_child_processes_work_and_tell_nothing(method: str, tmp_path: Path) -> None:
    (tmp_path / "spawns.py").write_text(SPAWNS)
    plain, probed = both(["spawns.py", method], tmp_path)
    assert plain.status == probed.status == 0
    assert probed.out.replace("True", "False") == plain.out
    assert probed.err.count("Tunedock explains") == 1


def test_the_file_is_understood_by_the_oldest_python_it_names() -> None:
    ast.parse(PROBE.read_text(encoding="utf-8"), feature_version=(3, 9))
    modules = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(PROBE.read_text(encoding="utf-8")))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [str(node.module)]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }
    assert modules <= sys.stdlib_module_names


def test_the_file_alone_is_enough(tmp_path: Path) -> None:
    """Copied, without site-packages and without Tunedock's folder."""
    alone = tmp_path / "elsewhere" / "tunedock_probe.py"
    alone.parent.mkdir()
    shutil.copy(PROBE, alone)
    (tmp_path / "program.py").write_text(
        "import sys; print(sorted({'torch', 'services'} & set(sys.modules)))"
    )
    done = run([alone, "program.py"], tmp_path, own=["-S", "-E"])
    assert (done.status, done.out) == (0, "[]\n")
    (written,) = tmp_path.glob("tunedock-explain-*.json")
    assert f"The whole report: {written}" in done.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "give the program"), (["--json"], "name of a file"), (["--jsn", "x", "a.py"], "no option --jsn"),
        (["nothing.py"], "can't open the program 'nothing.py': No such file"),
    ],
)  # fmt: skip
def test_wrong_usage_is_told(words: list[str | Path], told: str, tmp_path: Path) -> None:
    done = run([PROBE, *words], tmp_path)
    assert done.status == 2
    assert told in done.err.splitlines()[0]


def test_a_report_that_can_not_be_written_is_told(tmp_path: Path) -> None:
    done = run([PROBE, "--json", "no/such/folder.json", "-c", "print(1)"], tmp_path)
    assert (done.status, done.out) == (0, "1\n")
    assert "could not be written" in done.err


def test_only_the_first_of_several_processes_tells(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, PROBE, "-c", "print(1)"], cwd=tmp_path, env=ENVIRONMENT | {"RANK": "1"},
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")
    assert list(tmp_path.iterdir()) == []


def test_the_report_s_clock_counts_the_program(tmp_path: Path) -> None:
    began = time.perf_counter()
    done = run_probed(["-c", "import time; time.sleep(0.5)"], tmp_path)
    assert 0.5 <= done.report["program"]["seconds"] <= time.perf_counter() - began
    assert sum(done.report["stages"].values()) == pytest.approx(done.report["program"]["seconds"])
