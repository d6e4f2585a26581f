"""The parser of the command line: wrong words are told with what was probably meant."""

import argparse
import difflib
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from services.cli.failure import UsageError

ALSO_CALLED = {
    "list": "jobs", "ls": "jobs", "ps": "jobs", "status": "show", "info": "show", "logs": "events",
    "finetune": "train", "fit": "train", "run": "train", "stop": "down (the service) or cancel (a job)",
    "kill": "cancel", "shutdown": "down", "start": "up", "serve": "up", "version": "--version",
    "get": "download", "rm": "delete", "remove": "delete", "clean": "prune",
}  # fmt: skip

OPTIONS_ALSO_CALLED = {
    "-v": "--version", "-V": "--version", "-m": "--model", "-e": "--epochs", "--num-epochs": "--epochs",
    "--num-train-epochs": "--epochs", "-b": "--batch-size", "--bs": "--batch-size",
    "--global-batch-size": "--batch-size", "--rank": "--lora-r", "--alpha": "--lora-alpha",
    "--dropout": "--lora-dropout", "--name": "--suffix", "--steps": "--max-steps", "-y": "--yes",
    "--lr": "--learning-rate", "--force": "--yes", "--host": "--server", "--url": "--server",
    "--token": "--key",
}  # fmt: skip
FEW = 5


class CommandParser(argparse.ArgumentParser):
    """Raises `UsageError` where argparse would print and exit."""

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        self._refuse_unknown_options(list(args or ()))
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
        self.error(f"there is no option {name}{meant_option(name, self.options)}")

    @property
    def options(self) -> list[str]:
        """Every option of this parser."""
        return [option for action in self._actions for option in action.option_strings]

    def _refuse_unknown_options(self, words: list[str]) -> None:
        """Before argparse, which misses the command first, or takes an unknown option's value for a file."""
        parser: CommandParser = self
        for word in words:
            if word == "--":
                return
            if word.startswith("-"):
                if _is_option(word) and not parser._knows(word):
                    self._refuse_misplaced(word)
                    parser.refuse_unknown([word])
            elif parser is self:
                parser = self.command(word) or self
                if parser is self:
                    return

    def _knows(self, word: str) -> bool:
        """Whether argparse will take this word for one of our options; a long one may be cut short, unless it
        is what others call an option that we have, as --lr is no --lr-scheduler-type.
        """
        name = word.partition("=")[0]
        if name in self.options or OPTIONS_ALSO_CALLED.get(name) in self.options:
            return name in self.options
        return name.startswith("--") and any(option.startswith(name) for option in self.options)

    def _refuse_misplaced(self, word: str) -> None:
        name = word.partition("=")[0]
        if self.commands and (takers := [c for c in self.commands if self._takes(c, name)]):
            whose = ", ".join(takers) if len(takers) <= FEW else "the commands"
            self.error(f"{name} is an option of {whose}; write it after the command.")

    def _takes(self, command: str, option: str) -> bool:
        parser = self.command(command)
        return parser is not None and option in parser.options

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


def _is_option(word: str) -> bool:
    """Not a dash alone, nor a number below 0."""
    try:
        float(word)
    except ValueError:
        return word != "-"
    return False


def meant(word: str, known: Iterable[str]) -> str:
    """`; did you mean …?` where something known is close to `word`, else a full stop."""
    close = closest(word, known)
    return f"; did you mean {close}?" if close else "."


def meant_option(name: str, options: Iterable[str]) -> str:
    """The same for an option: another program's word for it, its initials (--lr), or one that is close."""
    known = list(options)
    alias = OPTIONS_ALSO_CALLED.get(name)
    if alias in known:
        return f"; did you mean {alias}?"
    for option in known:
        initials = "".join(word[0] for word in option.lstrip("-").split("-") if word)
        if len(initials) > 1 and name.lstrip("-") == initials:
            return f"; did you mean {option}?"
    return meant(name, known)


def closest(word: str, known: Iterable[str]) -> str | None:
    """What is known and most like `word`, capitals aside."""
    by_lower = {name.lower(): name for name in known}
    found = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None
