"""What Tab completes: in bash itself, and in zsh and fish where they are installed."""

import json
import os
import pty
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from services.cli.__main__ import command_parser, main
from services.cli.client import Client
from services.cli.completion import known_ids
from services.cli.completion.command import SHELLS
from services.cli.completion.taken import EXCEPTIONS, FILE, FOLDER, program_options, taken
from services.cli.ports import free_port
from shared.settings import PROJECT_ROOT
from tests.api.server import Server
from tests.cli.conftest import empty
from tests.ledger import submit

LAUNCHER = PROJECT_ROOT / "tunedock"
COMMANDS = command_parser().commands


@pytest.fixture(scope="module", params=list(SHELLS))
def shell(request: pytest.FixtureRequest) -> str:
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    return str(request.param)


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, parser = tmp_path_factory.mktemp("completion"), command_parser()
    for name, module in SHELLS.items():
        text = module.script(taken(parser.commands), program_options(parser))
        (folder / f"completion.{name}").write_text(text)
    return folder


def in_bash(scripts: Path, line: str, **variables: str) -> list[str]:
    """What bash offers for the last word of `line`."""
    asking = (
        "source \"$1\"; compopt() { :; }; COMP_WORDBREAKS=$' \\t\\n\"\\'><=;|&(:'\n"
        'COMP_LINE=$2 COMP_POINT=${#2}; _tunedock; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", asking, "bash", str(scripts / "completion.bash"), line],
        cwd=scripts,
        env=os.environ | {"TUNEDOCK_PYTHON": sys.executable} | variables,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr == "", done.stderr
    return done.stdout.split()


def test_what_completes_is_known_to_the_parser() -> None:
    kept = {(name, action.dest) for name, parser in COMMANDS.items() for action in parser._actions}
    assert EXCEPTIONS.keys() <= kept
    values = [place.value for command in taken(COMMANDS) for place in command.places]
    values += [one.value for command in taken(COMMANDS) for one in command.options if one.value]
    sources = {source for value in values for source in value.sources}
    assert sources <= {*known_ids.LISTS, FILE, FOLDER}
    assert set(known_ids.LISTS) <= sources


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("./tunedock pre", ["prepare"]),
        ("./tunedock re", ["report", "resume", "restore"]),
        ("./tunedock jobs --wa", ["--watch"]),
        ("./tunedock jobs --status p", ["pausing", "paused"]),
        ("./tunedock jobs --status=fai", ["failed"]),
        ("./tunedock jobs --limit 3 --kind ev", ["evaluation"]),
        ("./tunedock train x.jsonl --plan b", ["baseline"]),
        ("./tunedock train --max-st", ["--max-steps"]),
        ("./tunedock help comp", ["completion"]),
        ("./tunedock completion ", ["bash", "zsh", "fish"]),
        ("./tunedock bench pl", ["plans"]),
        ("./tunedock nosuch --x", []),
        ("./tunedock jobs ", []),
    ],
)
def test_bash_completes_commands_options_and_choices(scripts: Path, line: str, offered: list[str]) -> None:
    assert in_bash(scripts, line) == offered


def test_bash_completes_files_where_a_file_is_wanted(scripts: Path) -> None:
    (scripts / "my rows.jsonl").write_text("")
    (scripts / "folder").mkdir()
    nowhere = {"TUNEDOCK_SERVER": f"http://127.0.0.1:{free_port()}", "TUNEDOCK_API_KEY": "key"}
    assert in_bash(scripts, "./tunedock train my", **nowhere) == ["my", "rows.jsonl"]  # one with a space
    assert in_bash(scripts, "./tunedock download ftjob-x fo", **nowhere) == ["folder"]
    assert in_bash(scripts, "./tunedock show my", **nowhere) == []


def test_every_option_of_every_command_is_offered(scripts: Path) -> None:
    for name in ("train", "diagnose", "doctor"):
        options = {option for action in COMMANDS[name]._actions for option in action.option_strings}
        assert set(in_bash(scripts, f"./tunedock {name} -")) == options


def listed(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    """The ids that are printed for Tab."""
    known_ids.main(words)
    return [line.partition("\t")[0] for line in capsys.readouterr().out.splitlines()]


def test_ids_are_asked_of_the_service_that_the_line_or_the_settings_name(
    server: Server,
    scripts: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    empty(server)
    queued, cancelled = submit(server.store).id, submit(server.store).id
    server.store.cancel(cancelled)
    (tmp_path / "rows.jsonl").write_text('{"text": "a"}\n')
    with Client(server.url, server.key) as client:
        file_id = client.upload(tmp_path / "rows.jsonl")
    named = f"show --server {server.url} --key {server.key}"
    assert in_bash(scripts, f"{LAUNCHER} {named} diag") == [cancelled, queued]
    monkeypatch.setenv("TUNEDOCK_SERVER", server.url)
    monkeypatch.setenv("TUNEDOCK_API_KEY", server.key)
    assert listed(capsys, "jobs") == [cancelled, queued, "last"]
    assert listed(capsys, "open-jobs") == [queued]
    assert listed(capsys, "ended-jobs") == [cancelled]
    assert listed(capsys, "files") == [file_id]
    assert "SmolLM2-135M-Instruct" in listed(capsys, "models")
    assert listed(capsys, "fine-tuned-models") == []
    assert listed(capsys, "nosuch") == []
    assert listed(capsys, "jobs", "show", "--key", "no_key_of_this_service") == []
    assert listed(capsys, "jobs", "show", f"--server=http://127.0.0.1:{free_port()}") == []


def test_a_name_with_colons_is_offered_from_the_last_one_on(scripts: Path) -> None:
    program = scripts / "fake"
    program.write_text("#!/bin/sh\nprintf 'ft:tiny:spam:abc\\tmade\\nft:tiny:ham:abd\\tmade\\n'\n")
    program.chmod(0o755)
    assert in_bash(scripts, f"{program} show ft:tiny:sp") == ["spam:abc"]
    assert in_bash(scripts, f"{program} show ft:ti") == ["tiny:spam:abc", "tiny:ham:abd"]


@pytest.mark.parametrize(
    ("known", "is_plain"),
    [("ft:m:s:abc", True), ("org/Name-1.5_b", True), ("모델", True), ("$(id)", False), ("a b", False),
     ("a;b", False), ("-rf", False), ("a\nb", False)],
)  # fmt: skip
def test_no_name_is_offered_that_a_shell_would_obey(known: str, is_plain: bool) -> None:
    assert known_ids.is_plain_word(known) == is_plain


def test_where_nothing_answers_nothing_is_said_and_soon(tmp_path: Path) -> None:
    environment = {
        **os.environ, "TUNEDOCK_PYTHON": sys.executable, "TUNEDOCK_API_KEY": "key",
        "TUNEDOCK_SERVER": f"http://127.0.0.1:{free_port()}",
    }  # fmt: skip
    done = subprocess.run([LAUNCHER, "known-ids", "jobs"], env=environment, capture_output=True, timeout=30)
    assert (done.stdout, done.stderr, done.returncode) == (b"", b"", 1)


def test_tab_never_builds_an_environment(tmp_path: Path) -> None:
    launcher = shutil.copy(LAUNCHER, tmp_path / "tunedock")
    environment = {name: text for name, text in os.environ.items() if name != "TUNEDOCK_PYTHON"}
    done = subprocess.run([launcher, "known-ids", "jobs"], env=environment, capture_output=True, timeout=30)
    assert (done.stdout, done.stderr) == (b"", b"")
    assert [path.name for path in tmp_path.iterdir()] == ["tunedock"]


def typed(shell: list[str], keys: list[str], folder: Path) -> str:
    """What an interactive shell shows while somebody types."""
    process, ours = pty.fork()
    if process == 0:
        os.chdir(folder)
        os.environ.update(
            {"TERM": "dumb", "PS1": "> ", "HOME": str(folder), "TUNEDOCK_PYTHON": sys.executable}
        )
        os.execvp(shell[0], shell)
    shown = b""
    try:
        for key in keys:
            time.sleep(0.4)
            os.write(ours, key.encode())
        while piece := os.read(ours, 4096):
            shown += piece
    except OSError:  # Linux: the other end is closed
        pass
    os.close(ours)
    os.waitpid(process, 0)
    return shown.decode(errors="replace")


def test_tab_completes_in_bash_as_somebody_types(scripts: Path, tmp_path: Path) -> None:
    keys = [
        f'source {scripts}/completion.bash; tunedock() {{ echo "ran:$*:"; }}\n',
        "tunedock jo\t--wat\t--status cancell\t\n",
        "exit\n",
    ]
    shown = typed(["bash", "--norc", "--noprofile", "-i"], keys, tmp_path)
    assert "ran:jobs --watch --status cancell" in shown
    assert ":jobs --watch --status cancel" in shown


def test_the_scripts_are_understood_by_their_shells(shell: str, scripts: Path) -> None:
    flag = "--no-execute" if shell == "fish" else "-n"
    done = subprocess.run(
        [shell, flag, scripts / f"completion.{shell}"], capture_output=True, text=True, timeout=30
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("tunedock pre", ["prepare"]),
        ("tunedock jobs --status pa", ["--status=paused", "paused", "pausing"]),
        ("tunedock jobs --wa", ["--watch"]),
        ("tunedock completion z", ["zsh"]),
    ],
)
def test_fish_completes_commands_options_and_choices(scripts: Path, line: str, offered: list[str]) -> None:
    asking = f"source {scripts}/completion.fish; complete -C {json.dumps(line)}"
    done = subprocess.run(["fish", "--no-config", "-c", asking], capture_output=True, text=True, timeout=30)
    found = [one.partition("\t")[0] for one in done.stdout.splitlines()]
    assert set(found) <= set(offered), done.stderr
    assert found


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
def test_zsh_completes_as_somebody_types(scripts: Path, tmp_path: Path) -> None:
    keys = [
        f"autoload -U compinit; compinit -u -D; source {scripts}/completion.zsh; "
        'tunedock() { echo "ran:$*:" }\n',
        "tunedock prep\tx --warm\t\n",
        "exit\n",
    ]
    shown = typed(["zsh", "-f", "-i"], keys, tmp_path)
    assert "ran:prepare x --warm-page-cache" in shown


def test_the_script_is_printed_whole_and_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "bash"]) == 0
    script = capsys.readouterr().out
    assert script.endswith("complete -F _tunedock tunedock\n")
    assert main(["completion", "bash", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"shell": "bash", "script": script}
    with pytest.raises(SystemExit):
        main(["completion", "--help"])
    assert "./tunedock completion fish | source" in " ".join(capsys.readouterr().out.split())
    assert main(["completion", "bsh"]) == 2
    assert "Did you mean bash?" in capsys.readouterr().err
