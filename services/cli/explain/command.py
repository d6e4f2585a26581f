"""The command `explain`: runs a user's own training program under the probe, and becomes it."""

import argparse
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from services.cli.failure import UsageError
from services.cli.options import Commands, add_bare_command
from services.cli.terminal import Terminal
from shared.messages.message import say, stored
from shared.settings import Settings

PROBE = Path(__file__).with_name("tunedock_probe.py")
EXAMPLE = say("explain-example-row")
# Options of Python that take a word after them; those that name the program (-m, -c) end its own options.
WITH_VALUE = ("-W", "-X", "--check-hash-based-pycs")


def add_commands(commands: Commands) -> None:
    explain = add_bare_command(commands, "explain", say("help-explain-row"))
    explain.add_argument(
        "--json", dest="json_file", metavar="FILE", help=stored(say("help-explain-json-row"))
    )
    explain.add_argument(
        "program", nargs="*", metavar="-- PROGRAM", help=stored(say("help-explain-program-row"))
    )
    explain.set_defaults(run=run_explain, as_json=False)


def run_explain(arguments: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    """Does not return: the program has this process, so its signals, input and exit status are its own."""
    words = probed(arguments.program, arguments.json_file)
    os.execvpe(words[0], words, callers_environment(os.environ))


def probed(program: Sequence[str], json_file: str | None) -> list[str]:
    """The words that run `program` under the probe; raises UsageError where it is no Python program."""
    if not program:
        raise UsageError(say("name-program-after-dashes"), EXAMPLE)
    interpreter = program[0]
    if not Path(interpreter).name.startswith(("python", "pypy")):
        raise UsageError(
            say("program-is-no-python", program=repr(interpreter)),
            say("write-interpreter-first", probe=PROBE.name),
        )
    if shutil.which(interpreter) is None:
        raise UsageError(say("no-such-program", program=repr(interpreter)), EXAMPLE)
    at = first_word_of_the_program(program)
    if at == len(program):
        raise UsageError(say("words-name-no-program", words=repr(" ".join(program))), EXAMPLE)
    own = ["--json", json_file] if json_file else []
    return [*program[:at], str(PROBE), *own, *program[at:]]


def first_word_of_the_program(words: Sequence[str]) -> int:
    """Where Python's own options end."""
    at = 1
    while at < len(words) and words[at].startswith("-") and words[at][:2] not in ("-m", "-c", "-"):
        at += 2 if words[at] in WITH_VALUE else 1
    return at


def callers_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Without what ./tunedock set for its own Python: its folder in PYTHONPATH, and PYTHONSAFEPATH."""
    found = dict(environment)
    root = str(Path(__file__).resolve().parents[3])
    paths = found.pop("PYTHONPATH", "").split(os.pathsep)
    if paths[0] == root:
        paths = paths[1:]
        found.pop("PYTHONSAFEPATH", None)
        if before := found.pop("TUNEDOCK_CALLERS_SAFEPATH", ""):
            found["PYTHONSAFEPATH"] = before
    if paths and paths != [""]:
        found["PYTHONPATH"] = os.pathsep.join(paths)
    return found
