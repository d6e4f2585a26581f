"""The launcher and its environment, run for real on a small checkout whose locks need no network."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
import zipfile
from pathlib import Path

import pytest
from fluent.syntax import FluentParser
from fluent.syntax import ast as ftl

from services.cli.environment import installation, obstacles, sentences, stamps
from services.cli.environment.installation import Installation
from services.cli.environment.obstacles import GB, Obstacle
from services.cli.environment.progress import Progress
from shared.messages.catalog import DEFAULT_LANGUAGE, FOLDER
from shared.messages.message import Message
from shared.messages.render import render
from shared.units import size

PROJECT = Path(__file__).resolve().parents[2]
# What set-up reads besides its own folder and the message files.
OF_SET_UP = (
    "services/__init__.py", "services/cli/__init__.py", "services/cli/language.py", "shared/__init__.py",
    "shared/units.py", "shared/visible.py",
)  # fmt: skip
# What the launcher hands over to: says what it was given and where it runs.
COMMAND = """
import json, os, sys
print(json.dumps({"arguments": sys.argv[1:], "folder": os.getcwd(), "prefix": sys.prefix, "path": sys.path}))
"""

NO_FILE = 64 * "0"  # a hash that no file has


@pytest.fixture(autouse=True)
def _cleanly(monkeypatch: pytest.MonkeyPatch) -> None:
    """No index is asked: neither one of this machine's settings nor the public one."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The launcher and its set-up as in a new clone, with empty locks."""
    root = tmp_path / "clone"
    shutil.copytree(
        PROJECT / "services/cli/environment",
        root / "services/cli/environment",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    shutil.copytree(
        PROJECT / "shared/messages", root / "shared/messages", ignore=shutil.ignore_patterns("__pycache__")
    )
    for file in ("tunedock", *OF_SET_UP):
        shutil.copy2(PROJECT / file, root / file)
    (root / "services/cli/__main__.py").write_text(COMMAND)
    (root / "requirements").mkdir()
    for name in ("api", "worker", "torch", "cli", "demo-model", "dev"):
        lock(root, name)
    return root


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment as set-up makes it, to be copied: making one takes seconds."""
    folder = tmp_path_factory.mktemp("built") / ".venv"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    return folder


@pytest.fixture
def bare(checkout: Path, built: Path) -> Path:
    """A checkout with an environment and nothing installed in it."""
    shutil.copytree(built, checkout / ".venv", symlinks=True)
    stamps.mark_sound(checkout, tag(), None)
    return checkout


@pytest.fixture
def ready(bare: Path) -> Path:
    """A checkout whose set-up is complete."""
    for part in ("run", "demo-model"):
        stamps.mark_installed(bare, part)
    return bare


def tag() -> str:
    assert sys.implementation.cache_tag is not None
    return sys.implementation.cache_tag


def lock(root: Path, name: str, package: str | Path = "# nothing", file_hash: str | None = None) -> None:
    """A lock of one package, a file or a pin; a file's own hash stands for one that is not given."""
    if isinstance(package, Path):
        file_hash = file_hash or hashlib.sha256(package.read_bytes()).hexdigest()
    line = f"{package} \\\n    --hash=sha256:{file_hash}" if file_hash else str(package)
    (root / f"requirements/{name}.txt").write_text(f"{line}\n")


def launch(
    root: Path, *arguments: str, folder: Path | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [root / "tunedock", *arguments],
        cwd=folder or root,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        timeout=100,
    )


def wheel(root: Path, name: str, files: dict[str, str]) -> Path:
    """A wheel of pure Python, as small as one can be."""
    path = root / f"{name}-1.0-py3-none-any.whl"
    record = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in files.items():
            archive.writestr(file, text)
        archive.writestr(f"{record}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{record}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{record}/RECORD", "".join(f"{file},,\n" for file in files))
    return path


def source_that_wants_a_compiler(root: Path) -> Path:
    """A source archive whose own build backend runs a compiler that isn't there."""
    files = {
        "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "build"\nbackend-path = ["."]\n',
        "build.py": "def build_wheel(*a, **k):\n"
        "    raise SystemExit(\"error: command 'gcc' failed: No such file or directory\")\n",
        "PKG-INFO": "Metadata-Version: 2.1\nName: native\nVersion: 1.0\n",
    }
    path = root / "native-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            file = root / name
            file.write_text(text)
            archive.add(file, f"native-1.0/{name}")
            file.unlink()
    return path


def test_a_new_clone_builds_its_environment_and_goes_on_with_the_command(
    checkout: Path, tmp_path: Path
) -> None:
    lock(checkout, "worker", wheel(tmp_path, "small", {"small.py": "WORD = 'here'"}))
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    done = launch(checkout, "train", "my file.jsonl", folder=elsewhere)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["arguments"] == ["train", "my file.jsonl"]
    assert told["folder"] == str(elsewhere), "a relative FILE means the caller's"
    assert told["prefix"] == str(checkout / ".venv")
    assert "Installing run (packages: 1;" in done.stderr
    assert "[1/1] small 1.0" in done.stderr, "progress has a line for each package"
    assert len(list((checkout / ".venv/lib").glob("python*/site-packages/small.py"))) == 1
    assert launch(checkout, "jobs").stderr == "", "the second call has nothing to set up"


def test_a_complete_environment_costs_less_than_50_ms_to_recognise(ready: Path) -> None:
    python = ready / ".venv/bin/python"

    def seconds(*arguments: str) -> float:
        start = time.perf_counter()
        subprocess.run([*arguments], check=True, cwd=ready, env={"PYTHONPATH": str(ready)})
        return time.perf_counter() - start

    check = min(seconds(str(python), "-S", "-m", "services.cli.environment", "ready") for _ in range(5))
    nothing = min(seconds(str(python), "-S", "-c", "") for _ in range(5))
    assert check - nothing < 0.05


def test_the_caller_s_folder_can_not_stand_in_for_the_code(ready: Path, tmp_path: Path) -> None:
    (tmp_path / "services").mkdir()
    (tmp_path / "services/__init__.py").write_text("raise SystemExit('the wrong services')")
    (tmp_path / "json.py").write_text("raise SystemExit('the wrong json')")
    done = launch(ready, "jobs", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert str(tmp_path) not in json.loads(done.stdout)["path"]


def test_the_launcher_works_through_symbolic_links(ready: Path, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/absolute").symlink_to(ready / "tunedock")
    (tmp_path / "bin/relative").symlink_to("absolute")
    done = subprocess.run([tmp_path / "bin/relative", "jobs"], capture_output=True, text=True, cwd="/")
    assert json.loads(done.stdout)["prefix"] == str(ready / ".venv")


def test_development_tools_are_installed_only_for_the_commands_that_need_them(ready: Path) -> None:
    lock(ready, "dev", wheel(ready, "tool", {"tool.py": ""}))
    assert "tool" not in launch(ready, "jobs").stderr
    assert "Installing dev (packages: 1;" in launch(ready, "check").stderr
    assert launch(ready, "test", "-k", "some").stderr == ""


def test_a_changed_lock_is_installed_at_the_next_call(ready: Path) -> None:
    lock(ready, "cli", wheel(ready, "added", {"added.py": ""}))
    done = launch(ready, "jobs")
    assert "[1/1] added 1.0" in done.stderr
    assert "Setting up" not in done.stderr, "the environment itself is kept"


def test_an_environment_of_another_python_place_or_index_is_not_kept(ready: Path, tmp_path: Path) -> None:
    assert stamps.is_sound(ready, tag(), None)
    assert not stamps.is_sound(ready, "cpython-310", None)
    assert not stamps.is_sound(ready, tag(), "file:///index")
    moved = ready.rename(tmp_path / "moved")
    assert not stamps.is_sound(moved, tag(), None)


def test_an_environment_whose_python_is_gone_is_built_anew(ready: Path) -> None:
    for python in (ready / ".venv/bin").glob("python*"):
        python.unlink()
    (ready / ".venv/bin/python").symlink_to("/nowhere/python3.11")
    (ready / ".venv/left-over").touch()
    done = launch(ready, "jobs")
    assert done.returncode == 0, done.stderr
    assert "Setting up" in done.stderr
    assert not (ready / ".venv/left-over").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_set_up_never_looks_complete(checkout: Path, number: signal.Signals) -> None:
    said = interrupt(checkout, number)
    assert "Set-up was interrupted. The next ./tunedock command continues from here." in said
    assert not stamps.is_sound(checkout, tag(), None)


def test_a_set_up_goes_on_after_an_interruption(checkout: Path) -> None:
    interrupt(checkout, signal.SIGINT)
    done = launch(checkout, "jobs")
    assert done.returncode == 0, done.stderr
    assert "Setting up" in done.stderr
    assert stamps.is_installed(checkout, "run")


def test_a_package_that_a_killed_pip_left_half_installed_is_installed_again(ready: Path) -> None:
    lock(ready, "cli", wheel(ready, "half", {"half.py": "A = 1", "other.py": "B = 2"}))
    assert launch(ready, "jobs").returncode == 0
    site = next((ready / ".venv/lib").glob("python*/site-packages"))
    (site / "half-1.0.dist-info/INSTALLER").unlink()
    (site / "other.py").unlink()
    (site / "~alf").mkdir()
    stamps.clear_installed(ready, "run")
    assert launch(ready, "jobs").returncode == 0
    assert (site / "other.py").exists()
    assert not (site / "~alf").exists()


@pytest.mark.parametrize("word", ["doctor", "key"])
def test_doctor_and_key_install_the_command_alone(bare: Path, tmp_path: Path, word: str) -> None:
    lock(bare, "worker", wheel(tmp_path, "large", {"large.py": ""}))
    assert "Installing cli" in launch(bare, word).stderr
    assert not stamps.is_installed(bare, "run")
    assert not list((bare / ".venv/lib").glob("python*/site-packages/large.py"))
    assert "Installing run" in launch(bare, "jobs").stderr
    assert launch(bare, word).stderr == "", "a whole environment has the command too"


def test_two_calls_at_once_set_up_once(checkout: Path) -> None:
    calls = [
        subprocess.Popen(
            [checkout / "tunedock", "jobs"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    said = [call.communicate(timeout=100)[1] for call in calls]
    assert [call.returncode for call in calls] == [0, 0], said
    assert sum("Setting up" in text for text in said) == 1
    assert sum("waiting for it" in text for text in said) == 1


def test_a_named_interpreter_is_used_as_it_is(checkout: Path) -> None:
    done = launch(checkout, "jobs", TUNEDOCK_PYTHON=sys.executable)
    assert json.loads(done.stdout)["prefix"] == sys.prefix
    assert not (checkout / ".venv").exists()


def test_a_named_interpreter_that_can_not_run_is_named(checkout: Path) -> None:
    done = launch(checkout, "jobs", TUNEDOCK_PYTHON="/nowhere/python")
    assert done.returncode == 1
    assert "TUNEDOCK_PYTHON is '/nowhere/python'" in done.stderr


def test_a_machine_without_python_is_told_so(checkout: Path, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("dirname", "readlink", "head"):
        found = shutil.which(name)
        assert found is not None
        (tools / name).symlink_to(found)
    shim = tools / "python3"
    shim.write_text("#!/bin/sh\necho 'the shim runs nothing' >&2\nexit 127\n")
    shim.chmod(0o755)
    done = launch(checkout, "jobs", PATH=str(tools))
    assert done.returncode == 1
    assert "no Python 3.11 or newer was found" in done.stderr
    assert "the shim runs nothing" in done.stderr


def test_a_python_without_the_venv_module_names_the_missing_package(checkout: Path) -> None:
    (checkout / "ensurepip.py").write_text("raise ImportError")  # found first, as the root is on the path
    done = launch(checkout, "jobs")
    assert done.returncode == 1
    package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    assert "lacks the modules `venv` and `ensurepip`" in done.stderr
    assert "apt install python3." in done.stderr
    if sys.version_info[:2] == default_python_version():
        assert f"apt install {package}." in done.stderr
    assert not (checkout / ".venv").exists()


def test_too_little_disk_is_refused_before_anything_is_written(checkout: Path) -> None:
    with pytest.raises(Obstacle, match=r"has 1\.20 GB free, and set-up needs 3\.00 GB there") as refused:
        obstacles.require_space(checkout, int(1.2 * GB), installation.CPU_BYTES)
    assert str(checkout) in str(refused.value)


def test_too_little_disk_stops_a_real_set_up(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free_bytes = shutil.disk_usage(checkout).free
    monkeypatch.setattr(installation, "CPU_BYTES", free_bytes * 2)
    with pytest.raises(Obstacle, match=f"free, and set-up needs {size(free_bytes * 2)}"):
        Installation(checkout, None, Progress(sys.stderr)).complete(["run"])
    assert not (checkout / ".venv").exists()


def test_an_environment_that_set_up_did_not_make_is_left_alone(checkout: Path) -> None:
    (checkout / ".venv").mkdir()
    (checkout / ".venv/precious").touch()
    done = launch(checkout, "jobs")
    assert done.returncode == 1
    assert "was not made by ./tunedock, so it is not changed" in done.stderr
    assert (checkout / ".venv/precious").exists()


def test_an_unreachable_registry_is_said_and_the_environment_kept(ready: Path) -> None:
    lock(ready, "api", "absent==1.0", NO_FILE)
    done = launch(ready, "jobs", PIP_NO_INDEX="", PIP_INDEX_URL="http://127.0.0.1:9/simple", PIP_RETRIES="1")
    assert done.returncode == 1
    assert "The package registry could not be reached" in done.stderr
    assert done.stdout == "", "the command did not run"
    lock(ready, "api")
    assert launch(ready, "jobs").returncode == 0


def test_a_registry_without_the_pinned_version_is_said(ready: Path) -> None:
    lock(ready, "api", "absent==1.0", NO_FILE)
    done = launch(ready, "jobs")
    assert done.returncode == 1
    assert "The package registry offers no absent==1.0 for Python" in done.stderr


def test_a_file_that_is_not_the_locks_is_refused_and_the_next_call_goes_on(ready: Path) -> None:
    file = wheel(ready, "changed", {"changed.py": ""})
    lock(ready, "api", file, NO_FILE)
    done = launch(ready, "jobs")
    assert done.returncode == 1
    seen = hashlib.sha256(file.read_bytes()).hexdigest()
    assert "The file that was downloaded for changed" in done.stderr
    assert f" is not one of those listed in requirements/: its SHA-256 is {seen}" in done.stderr
    assert not list((ready / ".venv/lib").glob("python*/site-packages/changed.py"))
    lock(ready, "api", file)
    assert launch(ready, "jobs").returncode == 0


def test_a_package_without_a_hash_is_refused(ready: Path) -> None:
    (ready / "requirements/api.txt").write_text(f"{wheel(ready, 'bare', {'bare.py': ''})}\n")
    done = launch(ready, "jobs")
    assert done.returncode == 1
    assert "Hashes are required in --require-hashes mode" in done.stderr


def test_a_missing_compiler_is_said(ready: Path) -> None:
    lock(ready, "api", source_that_wants_a_compiler(ready))
    done = launch(ready, "jobs")
    assert done.returncode == 1
    assert "install a C compiler" in done.stderr


def test_torch_comes_from_the_named_index_and_stays_when_none_is_named(ready: Path) -> None:
    named = (ready / "index").as_uri()
    stamps.mark_sound(ready, tag(), named)
    index = ready / "index/torch"
    index.mkdir(parents=True)
    file = wheel(index, "torch", {"torch.py": "FROM = 'the named index'"})
    (index / "index.html").write_text(f'<a href="{file.name}">{file.name}</a>')
    lock(ready, "torch", "torch==1.0")
    done = launch(ready, "jobs", TUNEDOCK_TORCH_INDEX=named, PIP_NO_INDEX="")
    assert done.returncode == 0, done.stderr
    assert "[1/1] torch 1.0" in done.stderr
    assert launch(ready, "jobs").stderr == ""


def test_the_small_reader_of_messages_says_what_fluent_says() -> None:
    """Set-up can't import Fluent; its file holds nothing that the small reader does not understand."""
    parser, shown = FluentParser(), 0
    for entry in parser.parse((FOLDER / DEFAULT_LANGUAGE / sentences.FILE).read_text(encoding="utf-8")).body:
        if isinstance(entry, ftl.Message):
            assert entry.value is not None
            named = [
                part.expression.id.name for part in entry.value.elements if isinstance(part, ftl.Placeable)
            ]
            values: dict[str, int | str] = {
                name: 1_500_000 if name.endswith("_bytes") else "a\nb\x1b" for name in named
            }
            whole = Message(message_id=entry.id.name, values=dict(values))
            assert sentences.say(entry.id.name, **values) == render(whole)
            shown += 1
    assert shown > 15


def test_set_up_speaks_the_language_of_its_reader(checkout: Path) -> None:
    (checkout / "shared/messages/eo").mkdir()
    (checkout / "shared/messages/eo/set_up.ftl").write_text("environment-of-others = Tien: { $folder }!\n")
    (checkout / ".venv").mkdir()
    (checkout / ".venv/precious").touch()
    done = launch(checkout, "jobs", LC_ALL="eo_XX.UTF-8")
    assert done.stderr.splitlines()[-1] == f"tunedock: Tien: {checkout}/.venv!"  # a shell warns before
    done = launch(checkout, "jobs", LC_ALL="", LC_MESSAGES="", LANG="")
    assert "was not made by ./tunedock" in done.stderr


def test_a_live_line_is_kept_for_terminals() -> None:
    terminal, stream = os.openpty()
    with open(stream, "w") as screen:  # noqa: PTH123 (a file descriptor)
        progress = Progress(screen)
        progress.stage("Installing run: 2 packages")
        progress.step("[1/2] numpy 2.4.6 (16.5 MB)")
        progress.tick()
        progress.end()
        screen.write("what follows")
        screen.flush()
        shown = ""
        while not shown.endswith("what follows"):
            shown += os.read(terminal, 10_000).decode()
    os.close(terminal)
    assert shown.count("\n") == 1
    assert "[1/2] numpy 2.4.6 (16.5 MB)" in shown
    assert shown.endswith("\r\x1b[Kwhat follows")


def default_python_version() -> tuple[int, int]:
    """Of the Python that the launcher finds first."""
    code = "import sys; print(*sys.version_info[:2])"
    out = subprocess.run(["python3", "-c", code], capture_output=True, text=True, check=True).stdout
    major, minor = out.split()
    return int(major), int(minor)


def interrupt(checkout: Path, number: signal.Signals) -> str:
    """Starts set-up and stops it while it makes the environment; what it said."""
    set_up = subprocess.Popen([checkout / "tunedock", "jobs"], stderr=subprocess.PIPE, text=True)
    wait_for(checkout / ".venv/bin/python")
    set_up.send_signal(number)
    said = set_up.communicate(timeout=60)[1]
    assert set_up.returncode == 130, said
    return said


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} did not appear"
        time.sleep(0.01)
