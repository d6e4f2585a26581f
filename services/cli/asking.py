"""A question at the terminal that is answered with yes or no."""

import sys

from services.cli.terminal import Terminal
from shared.messages.message import Message, say


def can_ask(terminal: Terminal) -> bool:
    return sys.stdin.isatty() and terminal.is_live


def says_yes(terminal: Terminal, question: str | Message) -> bool:
    terminal.note(question)
    terminal.note(say("type-yes-row"))
    return sys.stdin.readline().strip().lower() in ("y", "yes")
