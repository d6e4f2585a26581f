"""The command line: reads the words, runs the command, turns failures into lines and a status."""

import errno
import io
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from services.cli import (
    backup,
    bench,
    check_data,
    demo,
    diagnose,
    evaluate,
    guide,
    job_list,
    key,
    life,
    listings,
    moving,
    pausing,
    quality,
    removal,
    restore,
    serve,
    submit,
    webhooks,
)
from services.cli.command_parser import CommandParser
from services.cli.completion import command as completion
from services.cli.doctor import command as doctor
from services.cli.explain import command as explain
from services.cli.failure import CommandFailed, UsageError
from services.cli.guide import version_text
from services.cli.language import language_of
from services.cli.options import Commands, add_bare_command, settings_of
from services.cli.stray_variables import stray_variables
from services.cli.terminal import Terminal
from shared.messages.message import Message, say, stored
from shared.messages.render import set_process_reader
from shared.settings import Settings

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130

# These take their words as they are: pytest and the benchmarks have options of their own.
QUALITY = {"bench": bench.bench, "check": quality.check, "test": quality.test}


def command_parser() -> CommandParser:
    """The parser of all commands; each sets `run`, a function of arguments, settings and terminal."""
    parser = CommandParser(
        prog="./tunedock",
        description=stored(say("program-purpose")),
        epilog=stored(say("program-help")),
    )
    parser.add_argument(
        "--version", action="version", version=version_text(), help=stored(say("help-version-row"))
    )
    commands: Commands = parser.add_subparsers(
        title=stored(say("help-commands-label")),
        metavar="COMMAND",
        dest="command",
        required=True,
        parser_class=CommandParser,
    )
    for group in (
        demo,
        serve,
        submit,
        check_data,
        diagnose,
        evaluate,
        job_list,
        life,
        pausing,
        moving,
        listings,
        webhooks,
        removal,
        backup,
        restore,
        doctor,
        key,
        explain,
        completion,
    ):
        group.add_commands(commands)
    add_bare_command(commands, "bench", say("help-bench-row", names=bench.BENCHES))
    add_bare_command(commands, "check", say("help-check-row"))
    add_bare_command(commands, "test", say("help-test-row"))
    guide.add_commands(commands)
    parser.set_defaults(parser=parser)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status: 0, 1 for a failure, 2 for wrong usage, 130 for Ctrl-C."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    set_process_reader(language_of(os.environ))
    if words and words[0] in QUALITY:
        return QUALITY[words[0]](words[1:])
    _open_what_was_closed()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # no locale is too poor to say what happened
    terminal = Terminal(as_json="--json" in words)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # leave as tidily as after Ctrl-C
    try:
        parser = command_parser()
        if not words:
            terminal.note(parser.format_help().rstrip())
            return EXIT_USAGE
        parsed = parser.parse_args(words)
        terminal.as_json = parsed.as_json
        terminal.verbose = getattr(parsed, "verbose", False)
        for stray in stray_variables(os.environ):
            terminal.note(stray)
        status: int = parsed.run(parsed, settings_of(parsed, read_settings()), terminal)
        sys.stdout.flush()
        return status
    except CommandFailed as failure:
        terminal.emit(failure.as_json())
        for line in failure.lines():
            terminal.note(line)
        return EXIT_USAGE if isinstance(failure, UsageError) else EXIT_FAILED
    except KeyboardInterrupt:
        terminal.note(say("interrupted-row"))
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has left (`… | head`): nothing more to say, and nothing to complain about.
        _drop_output()
        return EXIT_FAILED
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EIO):
            raise
        _drop_output()
        terminal.note(_not_written(error))
        return EXIT_FAILED


def _open_what_was_closed() -> None:
    """Who closed a stream (`>&-`) wants nothing of it; Python has None in its place."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 for as long as we run


def _not_written(error: OSError) -> Message:
    if error.filename is None:
        return say("output-not-written", error=error.strerror)
    return say("not-written", file=str(error.filename), error=error.strerror)


def _drop_output() -> None:
    """What is still to be flushed at the end goes nowhere, instead of failing again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def read_settings() -> Settings:
    """The settings of the environment; raises `UsageError` naming the variable that can't be used."""
    try:
        return Settings.from_environment()
    except ValueError as error:
        raise UsageError(str(error), say("correct-the-variable")) from error


if __name__ == "__main__":
    sys.exit(main())
