"""What benchmarks' command lines have in common: options of several, and kinds of values."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from shared.settings import PROJECT_ROOT


def add_shared(parser: argparse.ArgumentParser, *, writes: str = "", model: bool = True) -> None:
    """--scratch; --json where the benchmark `writes` something; --model and --sms where it trains one."""
    if writes:
        parser.add_argument("--json", metavar="FILE", help=f"write {writes} to FILE")
    if model:
        parser.add_argument(
            "--sms", type=Path, metavar="FILE", help="label, tab, text; default: from the hub"
        )
        parser.add_argument("--model", type=Path, metavar="FOLDER", help="default: SmolLM2-135M-Instruct")
    parser.add_argument("--scratch", default=str(PROJECT_ROOT / "data" / "bench"), metavar="FOLDER")


def names(known: Sequence[str]) -> Callable[[str], list[str]]:
    """Some of `known`, with commas between."""

    def read(text: str) -> list[str]:
        found = text.split(",")
        if unknown := [name for name in found if name not in known]:
            raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(known)}")
        return found

    return read


def count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return int(text)


def minutes(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = 0.0
    if not 0 < found < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of minutes above 0")
    return found
