"""The parser of the command line: wrong words are told with what was probably meant."""

import argparse
import difflib
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn

from services.cli.argparse_text import argparse_message
from services.cli.failure import UsageError
from services.cli.help_format import HelpFormat
from shared.messages.message import Message, say, stored

SEE_ALL = say("see-all-row")
ALSO_CALLED: dict[str, str | Message] = {
    "list": "jobs", "ls": "jobs", "ps": "jobs", "status": "show", "info": "show", "logs": "events",
    "finetune": "train", "fit": "train", "run": "train", "stop": say("down-or-cancel-piece"),
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


class WrongValue(argparse.ArgumentTypeError):
    """What is wrong with an option's value; argparse carries it as a stored message."""

    def __init__(self, *said: Message) -> None:
        super().__init__(stored(said[0] if len(said) == 1 else say("sentences", sentences=said)))


class CommandParser(argparse.ArgumentParser):
    """Raises `UsageError` where argparse would print and exit; its texts are stored messages.

    Each function of `words` says fields of a request, which some texts name, as the command calls them.
    """

    def __init__(self, **details: Any) -> None:
        super().__init__(**details, add_help=False, exit_on_error=False)
        self.words: list[Callable[[str], str]] = []
        self._positionals.title = stored(say("help-arguments-label"))
        self._optionals.title = stored(say("help-options-label"))
        self.add_argument("-h", "--help", action="help", help=stored(say("help-help-row")))

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        try:
            return super().parse_known_args(args, namespace)
        except argparse.ArgumentError as wrong:
            problem = argparse_message(wrong.message)
            if wrong.argument_name:
                self._refuse_argument(wrong.argument_name, problem)
            self._refuse(problem)

    def _get_formatter(self, *_: Any) -> argparse.HelpFormatter:
        return HelpFormat(self.prog, self._in_words)

    def _in_words(self, text: str) -> str:
        for worded in self.words:
            text = worded(text)
        return text

    def _check_help(self, action: argparse.Action) -> None:
        """Python 3.14 would write every help text to see whether it can be."""

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
            self._refuse(say("word-too-many", word=repr(first)))
        name = first.partition("=")[0]
        self._refuse(say("no-such-option", option=name), *meant_option(name, self.options))

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
            if len(takers) > FEW:
                self._refuse(say("option-of-the-commands", option=name))
            self._refuse(say("option-of-some-commands", option=name, commands=takers))

    def _takes(self, command: str, option: str) -> bool:
        parser = self.command(command)
        return parser is not None and option in parser.options

    def error(self, message: str) -> NoReturn:
        self._refuse(argparse_message(message))

    def _refuse(self, *said: Message) -> NoReturn:
        raise UsageError(say("wrong-words", command=self.prog, problem=said), self._see_help)

    def _refuse_argument(self, argument: str, problem: Message) -> NoReturn:
        raise UsageError(
            say("wrong-argument", command=self.prog, argument=argument, problem=problem), self._see_help
        )

    @property
    def _see_help(self) -> Message:
        return say("see-help-of-row", command=self.prog)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        choices = [str(choice) for choice in action.choices or ()]
        if not choices or value in choices:
            return
        if isinstance(action, argparse._SubParsersAction):
            raise no_such_command(value, choices)
        wrong = WrongValue(*no_such_word(value, choices))
        raise argparse.ArgumentError(action, str(wrong))


def _is_option(word: str) -> bool:
    """Not a dash alone, nor a number below 0."""
    try:
        float(word)
    except ValueError:
        return word != "-"
    return False


def no_such_command(name: str, commands: Iterable[str]) -> UsageError:
    """Of a command that there isn't."""
    alias = ALSO_CALLED.get(name)
    hint = [did_you_mean(alias)] if alias else meant(name, commands)
    said = [say("no-such-command", command=repr(name)), *hint]
    return UsageError(say("sentences", sentences=said), SEE_ALL)


def no_such_word(word: str, known: Sequence[str]) -> list[Message]:
    """Of a word that is none of those that are known."""
    there_are = say("there-are-words", words=known)
    return [say("no-such-word", word=repr(word)), *meant(word, known), there_are]


def meant(word: str, known: Iterable[str]) -> list[Message]:
    """The question whether something was meant that is known and close to `word`; none where nothing is."""
    close = closest(word, known)
    return [did_you_mean(close)] if close else []


def did_you_mean(name: str | Message) -> Message:
    return say("did-you-mean-row", meant=name)


def meant_option(name: str, options: Iterable[str]) -> list[Message]:
    """The same for an option: another program's word for it, its initials (--lr), or one that is close."""
    known = list(options)
    alias = OPTIONS_ALSO_CALLED.get(name)
    if alias in known:
        return [did_you_mean(alias)]
    for option in known:
        initials = "".join(word[0] for word in option.lstrip("-").split("-") if word)
        if len(initials) > 1 and name.lstrip("-") == initials:
            return [did_you_mean(option)]
    return meant(name, known)


def closest(word: str, known: Iterable[str]) -> str | None:
    """What is known and most like `word`, capitals aside."""
    by_lower = {name.lower(): name for name in known}
    found = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[found[0]] if found else None
