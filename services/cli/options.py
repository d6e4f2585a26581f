"""Options and argument types that several commands share."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    Commands = _SubParsersAction[argparse.ArgumentParser]
else:
    Commands = object


def add_command(commands: Commands, name: str, summary: str) -> argparse.ArgumentParser:
    """A new command with the option every command has."""
    command = commands.add_parser(name, help=summary, description=summary)
    command.add_argument(
        "--json", dest="as_json", action="store_true", help="write JSON to stdout, for machines"
    )
    return command


def pair(text: str) -> tuple[str, str]:
    """``name=value``."""
    name, equals, value = text.partition("=")
    if not equals or not name or not value:
        raise argparse.ArgumentTypeError(f"wants name=value, saw {text!r}")
    return name, value


def readable_file(text: str) -> Path:
    """A file that exists, in the folder the user is in."""
    path = Path(text)
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"there is no file {text}")
    return path
