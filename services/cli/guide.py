"""`help [COMMAND]`, and what `--version` says."""

import argparse
import platform

from services.cli.command_parser import CommandParser, no_such_command
from services.cli.options import Commands, add_command
from services.cli.terminal import Terminal
from shared.messages.message import say, stored
from shared.settings import Settings
from shared.version import VERSION


def add_commands(commands: Commands) -> None:
    guide = add_command(commands, "help", say("help-guide-row"))
    guide.add_argument("about", nargs="?", metavar="COMMAND", help=stored(say("help-guide-about-row")))
    guide.set_defaults(run=print_help)


def print_help(arguments: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    parser: CommandParser = arguments.parser
    if arguments.about is None:
        terminal.say(parser.format_help().rstrip())
        terminal.emit({"commands": list(parser.commands)})
        return 0
    command = parser.commands.get(arguments.about)
    if command is None:
        raise no_such_command(arguments.about, parser.commands)
    terminal.say(command.format_help().rstrip())
    terminal.emit({"command": arguments.about, "help": command.format_help()})
    return 0


def version_text() -> str:
    return f"Tunedock {VERSION} (Python {platform.python_version()})"
