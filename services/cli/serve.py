"""`up` runs the whole service in the foreground, `down` stops one that runs."""

import argparse

from services.cli.background import stop_stack
from services.cli.options import Commands, add_command
from services.cli.stack import run_stack
from services.cli.stack_state import running_stack
from services.cli.terminal import Terminal
from shared.settings import Settings


def add_commands(commands: Commands) -> None:
    up = add_command(commands, "up", "run store, API and worker until Ctrl-C; each is restarted when it dies")
    up.set_defaults(run=run_up)
    down = add_command(commands, "down", "stop the stack that runs on this data folder")
    down.set_defaults(run=run_down)


def run_up(arguments: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    run_stack(settings, terminal)
    return 0


def run_down(arguments: argparse.Namespace, settings: Settings, terminal: Terminal) -> int:
    """Stopping what does not run is no failure: afterwards none runs."""
    stack = running_stack(settings.data_dir)
    if stack:
        stop_stack(settings.data_dir, stack, terminal)
        terminal.say(f"stopped the stack at {stack.url}")
    else:
        terminal.say(f"no stack runs on {settings.data_dir}")
    terminal.emit({"stopped": stack is not None})
    return 0
