"""The parser of the command line: wrong words are told with what was probably meant."""

import argparse
import difflib
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from services.cli.failure import UsageError

ALSO_CALLED = {
    "list": "jobs", "ls": "jobs", "ps": "jobs", "status": "show", "info": "show", "logs": "events",
    "finetune": "train", "fit": "train", "run": "train", "stop": "cancel",
    "kill": "cancel", "start": "up", "serve": "up", "version": "--version", "get": "download",
    "rm": "delete", "remove": "delete", "clean": "prune",
}  # fmt: skip


class CommandParser(argparse.ArgumentParser):
    """Raises `UsageError` where argparse would print and exit."""

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        parsed, unknown = self.parse_known_args(args, namespace)
        if unknown:
            command = getattr(parsed, "command", None)
            parser = self.command(command) if command else None
            (parser or self).refuse_unknown(unknown)
        return parsed

    def command(self, name: str) -> "CommandParser | None":
        """The parser of one command."""
        found = self.commands.get(name)
        return found if isinstance(found, CommandParser) else None

    @property
    def commands(self) -> dict[str, argparse.ArgumentParser]:
        """Every command's parser, in the order of the help."""
        return {
            name: parser
            for action in self._actions
            if isinstance(action, argparse._SubParsersAction)
            for name, parser in action.choices.items()
        }

    def refuse_unknown(self, words: Sequence[str]) -> NoReturn:
        first = words[0]
        if not first.startswith("-"):
            self.error(f"{first!r} is one word too many")
        name = first.partition("=")[0]
        options = [option for action in self._actions for option in action.option_strings]
        self.error(f"there is no option {name}{meant(name, options)}")

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog}: {message.removeprefix('argument ')}", f"See: {self.prog} --help")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        choices = [str(choice) for choice in action.choices or ()]
        if not choices or value in choices:
            return
        if isinstance(action, argparse._SubParsersAction):
            alias = ALSO_CALLED.get(value)
            hint = f"; did you mean {alias}?" if alias else meant(value, choices)
            raise UsageError(f"there is no command {value!r}{hint}", "See all: ./tunedock help")
        raise argparse.ArgumentError(
            action, f"there is no {value!r}{meant(value, choices)} There are: {', '.join(choices)}."
        )


def meant(word: str, known: Iterable[str]) -> str:
    """`; did you mean …?` where something known is close to `word`, else a full stop."""
    close = closest(word, known)
    return f"; did you mean {close}?" if close else "."


def closest(word: str, known: Iterable[str]) -> str | None:
    """What is known and most like `word`, capitals aside."""
    by_lower = {name.lower(): name for name in known}
    found = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None
