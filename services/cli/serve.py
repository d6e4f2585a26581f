"""`up` runs the whole service in the foreground, `down` stops one that runs."""

import argparse

from services.cli.background import stop_stack
from services.cli.options import Commands, add_command
from services.cli.stack import run_stack
from services.cli.stack_state import running_stack
from services.cli.terminal import LastingTerminal, Terminal
from shared.messages.message import say
from shared.settings import Settings


def add_commands(commands: Commands) -> None:
    up = add_command(commands, "up", say("help-up-row"))
    up.set_defaults(run=run_up)
    down = add_command(commands, "down", say("help-down-row"))
    down.set_defaults(run=run_down)


def run_up(arguments: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    run_stack(settings, LastingTerminal.of(terminal))
    return 0


def run_down(arguments: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    """Stopping what does not run is no failure: afterwards none runs."""
    stack = running_stack(settings.data_dir)
    if stack:
        stop_stack(settings.data_dir, stack, terminal)
        terminal.say(say("stack-stopped-row", address=stack.url))
    else:
        terminal.say(say("no-stack-runs-row", folder=settings.data_dir))
    terminal.emit({"stopped": stack is not None})
    return 0
