"""`completion`: prints the script that makes a shell complete the command."""

import argparse
from types import ModuleType

from services.cli.command_parser import CommandParser
from services.cli.completion import bash, fish, zsh
from services.cli.completion.taken import program_options, taken
from services.cli.options import Commands, add_command
from services.cli.terminal import Terminal
from shared.messages.message import say, stored
from shared.settings import Settings

SHELLS: dict[str, ModuleType] = {"bash": bash, "zsh": zsh, "fish": fish}


def add_commands(commands: Commands) -> None:
    completion = add_command(commands, "completion", say("help-completion-row"))
    completion.add_argument("shell", choices=tuple(SHELLS), help=stored(say("help-completion-shell-row")))
    completion.epilog = stored(say("help-completion-example"))
    completion.set_defaults(run=print_script)


def print_script(arguments: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    parser: CommandParser = arguments.parser
    script = SHELLS[arguments.shell].script(taken(parser.commands), program_options(parser))
    terminal.emit({"shell": arguments.shell, "script": script})
    terminal.print_as_it_is(script)
    return 0
