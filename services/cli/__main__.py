"""The command line: reads the words, runs the command, turns failures into lines and a status."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence

from services.cli import bench, demo, key, life, quality, removal, serve, submit
from services.cli.doctor import command as doctor
from services.cli.failure import CommandFailed, UsageError
from services.cli.options import settings_of
from services.cli.terminal import Terminal
from shared.settings import Settings

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130

# These take their words as they are: pytest and the benchmarks have options of their own.
QUALITY = {"bench": bench.bench, "check": quality.check, "test": quality.test}


def command_parser() -> argparse.ArgumentParser:
    """The parser of all commands; each sets `run`, a function of arguments, settings and terminal."""
    parser = argparse.ArgumentParser(
        prog="./tunedock",
        description="Fine-tunes language models with adapters on one machine, and diagnoses how they load.",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for group in (demo, serve, submit, life, removal, doctor, key):
        group.add_commands(commands)
    commands.add_parser("bench", help="repeat the published numbers on this machine: bench load, bench train")
    commands.add_parser("check", help="lint, types and import contracts of the code")
    commands.add_parser("test", help="the test suite; further words go to pytest")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status: 0, 1 for a failure, 2 for wrong usage, 130 for Ctrl-C."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words and words[0] in QUALITY:
        return QUALITY[words[0]](words[1:])
    parsed = command_parser().parse_args(words)
    terminal = Terminal(as_json=parsed.as_json)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # leave as tidily as after Ctrl-C
    try:
        status: int = parsed.run(parsed, settings_of(parsed, read_settings()), terminal)
        sys.stdout.flush()
        return status
    except CommandFailed as failure:
        terminal.emit(failure.as_json())
        for line in failure.lines():
            terminal.note(line)
        return EXIT_USAGE if isinstance(failure, UsageError) else EXIT_FAILED
    except KeyboardInterrupt:
        terminal.note("interrupted")
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has left (`… | head`): nothing more to say, and nothing to complain about.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED


def read_settings() -> Settings:
    """The settings of the environment; raises `UsageError` naming the variable that can't be used."""
    try:
        return Settings.from_environment()
    except ValueError as error:
        raise UsageError(str(error), "Correct the environment variable.") from error


if __name__ == "__main__":
    sys.exit(main())
