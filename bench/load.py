"""`./tunedock bench load`: how long a 2.4B model takes to load, by several ways and from several disks.

Every load runs cold, in a process of its own, and the arms of a repeat follow each other. `limit_seconds` is
the arm's bytes at the rate of large reads of the same disk in the same repeat. Takes about 50 minutes and
13 GB of scratch space; slow disks need root. Peers read the same copy, in environments of their own.
"""

import argparse
import json
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from bench.document import machine, say
from bench.load_measure import Measuring
from bench.load_models import disk_bytes, make_models
from bench.load_process import ProcessFailed
from bench.load_text import shortfalls, table
from bench.load_turns import CASES, FLOAT32, PEERS, Budget, Case, Turn, turns
from bench.options import count, names
from bench.peers import NoEnvironment, peer_python
from bench.scratch import NoScratch, scratch_folder
from bench.slow_disk import NoSlowDisk, SlowDisk, slow_disk
from services.cli.interrupts import STOP_SIGNALS
from services.cli.terminal import Terminal
from shared.settings import PROJECT_ROOT

ALL_CASES = {case.name: case for case in (*CASES, FLOAT32)}
FLOAT32_TURN = Turn(FLOAT32, 1, ("hf-safetensors-nf4", "ours-artifact"))


def main() -> int:
    arguments = _arguments()
    for number in STOP_SIGNALS:
        signal.signal(number, _interrupt_once)
    try:
        document, failed = bench(arguments)
    except (NoScratch, ProcessFailed) as error:
        print(f"bench load: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted; the disk and all that was made on it are gone again", file=sys.stderr)
        return 130
    print(table(document))
    if arguments.json:
        arguments.json.write_text(json.dumps(document, indent=1) + "\n")
    return int(not failed <= set(PEERS))  # a peer that can't run here is a note, no failure


def bench(arguments: argparse.Namespace) -> tuple[dict[str, Any], set[str]]:
    """The document, and the arms that failed. Raises NoScratch, ProcessFailed."""
    started, notes = time.monotonic(), list[str]()
    cases = [case for case in arguments.cases if not (arguments.quick and case is FLOAT32)]
    wanted = disk_bytes(arguments.layers, float32=FLOAT32 in cases, with_pickle=not arguments.quick)
    with ExitStack() as stack:
        tell = stack.enter_context(_progress())
        folder = stack.enter_context(scratch_folder(arguments.scratch, wanted))
        disk = stack.enter_context(_disk(folder, wanted, notes))
        measuring = Measuring(disk, Budget(60 * arguments.minutes), tell)
        for peer in arguments.peers:
            tell(f"making {peer}'s environment")
            try:
                measuring.pythons[peer] = peer_python(peer, arguments.scratch / "peers")
            except NoEnvironment as error:
                measuring.failures[peer] = str(error)
        if disk is None:
            notes += [f"{case.name} skipped: {notes[0]}" for case in cases if case.is_throttled]
            cases = [case for case in cases if not case.is_throttled]
        order = _order(cases, arguments)
        _measure_all(order, disk.folder if disk else folder, arguments, measuring)
    notes += shortfalls(order, measuring, arguments.minutes)
    document = {
        "bench": "load",
        "machine": machine(),
        "rows": measuring.samples.rows(),
        "notes": notes,
        "seconds": time.monotonic() - started,
    }
    return document, set(measuring.failures)


def _order(cases: Sequence[Case], arguments: argparse.Namespace) -> list[Turn]:
    others = [case for case in cases if case is not FLOAT32]
    planned = turns(others, arguments.repeats, quantizing=not arguments.quick, peers=arguments.peers)
    return ([FLOAT32_TURN] if FLOAT32 in cases else []) + planned


def _measure_all(
    order: Sequence[Turn], folder: Path, arguments: argparse.Namespace, measuring: Measuring
) -> None:
    """One data type after the other, so that never more than one's checkpoints lie on the disk."""
    for dtype in dict.fromkeys(turn.case.dtype for turn in order):
        measuring.tell(f"making the model in {dtype}, and its copy")
        say(f"making the model: random weights in the shapes of EXAONE-3.5-2.4B, {dtype}, and the copy")
        with_pickle = dtype != FLOAT32.dtype and not arguments.quick
        models = make_models(folder / dtype, dtype, arguments.layers, with_pickle=with_pickle)
        for turn in order:
            if turn.case.dtype == dtype:
                measuring.measure(turn, models)
        models.remove()


@contextmanager
def _disk(folder: Path, size_bytes: int, notes: list[str]) -> Iterator[SlowDisk | None]:
    """A disk of its own, or None and the reason in `notes`."""
    with ExitStack() as stack:
        disk = None
        try:
            disk = stack.enter_context(slow_disk(folder, size_bytes))
        except NoSlowDisk as reason:
            notes.append(str(reason))
        yield disk


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """A line that tells on a terminal what runs right now; elsewhere the lines of results are enough."""
    terminal, started = Terminal(), time.monotonic()
    if not terminal.is_live:
        yield lambda text: None
        return
    with terminal.waiting("bench load") as line:
        yield lambda text: line.update(f"{text} (begun after {(time.monotonic() - started) / 60:.0f} min)")


def _interrupt_once(number: int, frame: FrameType | None) -> None:
    """The first order to stop ends the measuring; later ones don't disturb the cleaning up."""
    for stop in STOP_SIGNALS:
        signal.signal(stop, signal.SIG_IGN)
    raise KeyboardInterrupt


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./tunedock bench load", description=__doc__)
    add, cases = parser.add_argument, list(ALL_CASES)
    add("--json", type=Path, metavar="FILE", help="write the rows to FILE")
    add("--peers", type=names(PEERS), default=[], metavar="NAME,…", help=f"also {', '.join(PEERS)}")
    add("--cases", type=names(cases), default=cases, metavar="NAME,…", help=", ".join(cases))
    add("--repeats", type=count, default=3, metavar="N", help="default 3, float32 once")
    add("--minutes", type=count, default=50, metavar="N", help="no second repeat that would end later; 50")
    add("--quick", action="store_true", help="without the arms that quantize")
    add("--layers", type=count, metavar="N", help="fewer than 30 for a quick try")
    add("--scratch", type=Path, default=PROJECT_ROOT / "data" / "bench", metavar="FOLDER")
    arguments = parser.parse_args()
    if arguments.json and not arguments.json.resolve().parent.is_dir():
        parser.error(f"--json: there is no folder {arguments.json.resolve().parent}")
    arguments.scratch = arguments.scratch.resolve()
    arguments.cases = [ALL_CASES[name] for name in arguments.cases]
    return arguments


if __name__ == "__main__":
    sys.exit(main())
