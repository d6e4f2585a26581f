"""Options and argument types that several commands share."""

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import SecretStr

from services.cli.command_parser import CommandParser, WrongValue, closest, did_you_mean
from shared.datasets.names import EXTENSIONS
from shared.messages.message import Message, say, stored
from shared.schemas.fields import FILE_ID_PATTERN
from shared.settings import Settings

if TYPE_CHECKING:
    from argparse import _SubParsersAction

    Commands = _SubParsersAction[CommandParser]
else:
    Commands = object


def add_bare_command(commands: Commands, name: str, summary: Message) -> CommandParser:
    """A new command without options."""
    return commands.add_parser(name, help=stored(summary), description=stored(summary))


def add_command(commands: Commands, name: str, summary: Message) -> CommandParser:
    """A new command with the option every command has."""
    command = add_bare_command(commands, name, summary)
    command.add_argument("--json", dest="as_json", action="store_true", help=stored(say("help-json-row")))
    return command


def add_client_command(commands: Commands, name: str, summary: Message) -> CommandParser:
    """A new command that talks to a service: `connect(settings)` then reaches the one that is named here."""
    command = add_command(commands, name, summary)
    group = command.add_argument_group(stored(say("service-elsewhere-label")))
    group.add_argument("--server", metavar="URL", help=stored(say("help-server-row")))
    group.add_argument("--key", dest="api_key", metavar="KEY", help=stored(say("help-key-option-row")))
    return command


class KeyOption(SecretStr):
    """A key that was given by --key, and not by the environment."""


def settings_of(arguments: argparse.Namespace, settings: Settings) -> Settings:
    """The settings with what the command's own options say instead."""
    given: dict[str, object] = {}
    if (server := getattr(arguments, "server", None)) is not None:
        given["server"] = server
    if (key := getattr(arguments, "api_key", None)) is not None:
        given["api_key"] = KeyOption(key)
    return settings.model_copy(update=given)


def pair(text: str) -> tuple[str, str]:
    """``name=value``."""
    name, equals, value = text.partition("=")
    if not equals or not name or not value:
        raise WrongValue(say("pair-wanted", seen=repr(text)))
    return name, value


def readable_file(text: str) -> Path | str:
    """A file that exists, in the folder the user is in, or the id of one that was uploaded before."""
    path = Path(text)
    if path.is_file():
        return path
    if re.fullmatch(FILE_ID_PATTERN, text):
        return text
    if path.is_dir():
        raise WrongValue(say("file-is-folder", file=text))
    raise WrongValue(say("file-does-not-exist", file=text), *_meant_file(path))


def _meant_file(path: Path) -> list[Message]:
    """The file of rows beside it whose name is most like the one looked for, as the user would write it.

    Only endings that files of rows have count. Names are compared without folder and ending: those alike
    make strangers look similar.
    """
    try:
        beside = {other.stem: other.name for other in path.parent.iterdir() if _may_hold_rows(other)}
    except OSError:
        return []
    found = closest(path.stem, beside)
    return [did_you_mean(str(path.parent / beside[found]))] if found else []


def _may_hold_rows(path: Path) -> bool:
    return path.suffix.lower() in EXTENSIONS and path.is_file()


def whole_number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise WrongValue(say("whole-number-wanted", seen=repr(text))) from None


def number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise WrongValue(say("number-wanted", seen=repr(text))) from None


def positive(text: str) -> int:
    """A whole number from 1 on."""
    if not text.isascii() or not text.isdigit() or not int(text):
        raise WrongValue(say("positive-wanted", seen=repr(text)))
    return int(text)
