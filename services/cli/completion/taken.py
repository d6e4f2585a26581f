"""What each command takes, as plain values that a shell's script is written from."""

import argparse
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from services.cli.bench import BENCHES
from services.cli.request_options import PLAN_WORDS
from shared.messages.render import shown

FILE, FOLDER = "file", "folder"


@dataclass(frozen=True)
class Value:
    """Words to choose from, or where they come from: `FILE`, `FOLDER`, or a list that `known_ids` prints."""

    words: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class Option:
    """`value` is None for one that takes none."""

    names: tuple[str, ...]
    summary: str
    value: Value | None
    metavar: str


@dataclass(frozen=True)
class Place:
    """A word that is no option; `is_many`: so are those that follow."""

    name: str
    value: Value
    is_many: bool


@dataclass(frozen=True)
class Taken:
    """One command."""

    name: str
    summary: str
    options: tuple[Option, ...]
    places: tuple[Place, ...]


# By what the help calls a value.
_BY_METAVAR = {
    "ID": Value(sources=("jobs",)),
    "ID,…": Value(sources=("jobs",)),
    "MODEL": Value(sources=("models",)),
    "FILE": Value(sources=(FILE,)),
    "DIR": Value(sources=(FOLDER,)),
}
_ROWS = Value(sources=(FILE, "files"))
_QUEUED = Value(sources=("queued-jobs",))
# Where a command takes only some of them, by command and the name that the parser keeps it by.
EXCEPTIONS: dict[tuple[str, str], Value] = {
    ("train", "training_file"): _ROWS,
    ("train", "validation_file"): _ROWS,
    ("train", "adapter"): Value(sources=("trainings", "fine-tuned-models")),
    ("train", "plan"): Value(words=PLAN_WORDS),
    ("check-data", "training_file"): _ROWS,
    ("check-data", "validation_file"): _ROWS,
    ("evaluate", "file"): _ROWS,
    ("evaluate", "adapter"): Value(sources=("trainings", "fine-tuned-models")),
    ("diagnose", "training_file"): _ROWS,
    ("cancel", "job_id"): Value(sources=("open-jobs",)),
    ("pause", "job_id"): Value(sources=("open-jobs",)),
    ("resume", "job_id"): Value(sources=("paused-jobs",)),
    ("move", "job_id"): _QUEUED,
    ("move", "before"): _QUEUED,
    ("move", "behind"): _QUEUED,
    ("download", "job_id"): Value(sources=("trainings", "fine-tuned-models")),
    ("delete", "ids"): Value(sources=("ended-jobs", "fine-tuned-models", "files")),
}
# These take their words past the parser.
_PAST_THE_PARSER: dict[str, Place] = {
    "bench": Place("NAME", Value(words=BENCHES), is_many=False),
    "test": Place("PATH", Value(sources=(FILE,)), is_many=True),
    "explain": Place("PROGRAM", Value(sources=(FILE,)), is_many=True),
}


def taken(commands: Mapping[str, argparse.ArgumentParser]) -> tuple[Taken, ...]:
    """Every command, in the order of the help."""
    names = tuple(commands)
    return tuple(_command(name, parser, names) for name, parser in commands.items())


def program_options(parser: argparse.ArgumentParser) -> tuple[Option, ...]:
    """Those that stand before a command."""
    return tuple(_options("", parser._actions))


def _command(name: str, parser: argparse.ArgumentParser, names: tuple[str, ...]) -> Taken:
    places = [_place(name, action, names) for action in parser._actions if _is_place(action)]
    if name in _PAST_THE_PARSER:
        places = [_PAST_THE_PARSER[name]]
    summary = shown(parser.description or "")
    return Taken(name, summary, tuple(_options(name, parser._actions)), tuple(places))


def _is_place(action: argparse.Action) -> bool:
    return not action.option_strings and not isinstance(action, argparse._SubParsersAction)


def _options(command: str, actions: Iterable[argparse.Action]) -> Iterable[Option]:
    for action in actions:
        if action.option_strings:
            value = None if action.nargs == 0 else _value(command, action)
            names = tuple(action.option_strings)
            yield Option(names, shown(action.help or ""), value, _metavar(action))


def _place(command: str, action: argparse.Action, names: tuple[str, ...]) -> Place:
    value = Value(words=names) if action.metavar == "COMMAND" else _value(command, action)
    return Place(_metavar(action), value, is_many=action.nargs in ("+", "*"))


def _value(command: str, action: argparse.Action) -> Value:
    if (command, action.dest) in EXCEPTIONS:
        return EXCEPTIONS[command, action.dest]
    if action.choices:
        return Value(words=tuple(map(str, action.choices)))
    return _BY_METAVAR.get(_metavar(action), Value())


def _metavar(action: argparse.Action) -> str:
    return action.metavar if isinstance(action.metavar, str) else action.dest.upper()
