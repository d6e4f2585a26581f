"""`./tunedock bench train`: how long 16 rows of fine-tuning take, our way and the peers'.

All arms have the same token rows, adapter start, optimizer and schedule. Each is a process that keeps its
model; they take turns, so that a slow minute of the machine is everybody's.
"""

import argparse
import json
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from transformers import AutoTokenizer

from bench.document import Samples, machine, say
from bench.options import add_shared, count, names
from bench.peers import PEER_OF_ARM
from bench.sms import Message, NoMessages, read_messages
from bench.train_arms.plans import FALLBACK, speed_up_arms
from bench.train_inputs import CASES, ROWS_PER_STEP, fold_into, make_rows, make_start
from bench.train_measure import (
    ARMS_AT_ONCE,
    METRIC,
    SEED,
    STEPS,
    Inputs,
    Measuring,
    Steps,
    agreement,
    measure,
)
from bench.weights import make_model
from services.worker.failures import JobFailed
from services.worker.models.hub.demo_model import make_demo_model
from services.worker.running_job import NoJob

DEFAULT_ARMS = ("hf-user", "hf-grouped", "trl-best", "ours-baseline", "ours-auto")
PEERS = tuple(arm for arm in PEER_OF_ARM if arm not in DEFAULT_ARMS)
ARMS = (*DEFAULT_ARMS, FALLBACK, *PEERS, *speed_up_arms())
# EXAONE-3.5-2.4B's shapes, random weights. On two cores the user's settings take many minutes a step.
FULL_SIZE_CASE = "exaone-2.4b/all"
FULL_SIZE_ARMS = ("hf-user", "ours-auto")
ONE_STEP = {"*": Steps(0, 1)}


def main() -> int:
    arguments = _arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    scratch = Path(arguments.scratch).resolve()
    scratch.mkdir(parents=True, exist_ok=True)
    samples, started = Samples(), time.monotonic()
    notes: list[str] = []
    losses: dict[str, dict[str, list[float]]] = {}
    failed: set[str] = set()
    try:
        messages = read_messages(arguments.sms)
        demo = arguments.model or make_demo_model(scratch / "models", NoJob())
        with TemporaryDirectory(prefix="bench-train-", dir=scratch) as name:
            for case in arguments.cases:
                inputs = make_inputs(case, messages, demo, Path(name), arguments)
                notes.append(f"{case}: {inputs.row_count} rows of {inputs.mean_tokens:.0f} tokens on average")
                measuring, arms = _measuring(case, arguments, scratch, Path(name)), arms_of(case, arguments)
                check_rows(case, inputs.row_count, measuring, arms)
                results = measure(case, inputs, arms, measuring, samples)
                notes += [f"{case}, {arm}: {why}" for arm, why in results.failures.items()]
                notes += agreement(case, results)
                losses[case] = {arm: [step.loss for step in steps] for arm, steps in results.steps.items()}
                failed |= results.failures.keys()
    except (NoMessages, TooFewRows, JobFailed) as error:
        print(f"bench train: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    document = {
        "bench": "train",
        "machine": machine(),
        "rows": samples.rows(),
        "notes": notes,
        "losses": losses,
        "seconds": time.monotonic() - started,
    }
    print(table(document))
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(document, indent=1) + "\n")
    return int(not failed <= PEER_OF_ARM.keys())  # a peer that can't run here is a note, no failure


def make_inputs(
    case: str, messages: Sequence[Message], demo: Path, folder: Path, arguments: argparse.Namespace
) -> Inputs:
    """The case's rows are tokenized by the demo model's tokenizer, whatever model they train."""
    model, rows_of = demo, CASES.get(case, CASES["sms/all"])
    rows = make_rows(rows_of, messages, AutoTokenizer.from_pretrained(demo), seed=SEED, rows=arguments.rows)
    if case == FULL_SIZE_CASE:
        say("making the model: random weights in the shapes of EXAONE-3.5-2.4B, bfloat16")
        name = f"exaone-2.4b-{arguments.layers}" if arguments.layers else "exaone-2.4b"
        model = make_model(Path(arguments.scratch) / name, layers=arguments.layers)
        rows = fold_into(rows, model)
    here = folder / case.replace("/", "-")
    here.mkdir()
    return Inputs(
        model,
        rows.write(here / "rows.safetensors"),
        make_start(model, here / "start", seed=SEED),
        len(rows.ids),
        rows.tokens / len(rows.ids),
    )


class TooFewRows(Exception):
    """The text says of what."""


def check_rows(case: str, rows: int, measuring: Measuring, arms: Sequence[str]) -> None:
    """Our arms go on with a second epoch, the others can't. Raises `TooFewRows`."""
    of_arms = [measuring.steps_of(arm) for arm in arms if not arm.startswith("ours-")]
    steps = max((steps.warm_up + measuring.repeats * steps.turn for steps in of_arms), default=1)
    if rows < steps * ROWS_PER_STEP:
        raise TooFewRows(
            f"{case} has {rows} rows, and these arms take {steps} steps of {ROWS_PER_STEP}: give --rows "
            f"{steps * ROWS_PER_STEP} or more, fewer --repeats, or --quick"
        )


def arms_of(case: str, arguments: argparse.Namespace) -> list[str]:
    wanted = arguments.arms or (FULL_SIZE_ARMS if case == FULL_SIZE_CASE else DEFAULT_ARMS)
    speed_ups = speed_up_arms() if arguments.levers else []
    return list(dict.fromkeys([*wanted, *arguments.peers, *speed_ups]))


def _measuring(case: str, arguments: argparse.Namespace, scratch: Path, folder: Path) -> Measuring:
    full_size = case == FULL_SIZE_CASE
    return Measuring(
        repeats=arguments.repeats or (1 if full_size else 5),
        scratch=scratch,
        folder=folder,
        device="cuda" if torch.cuda.is_available() else "cpu",
        steps=ONE_STEP if arguments.quick or full_size else STEPS,
        # A card is the arm's alone, for it may take all of its memory; then turns follow each other.
        arms_at_once=1 if torch.cuda.is_available() else ARMS_AT_ONCE,
    )


def table(document: dict[str, Any]) -> str:
    """One row an arm and case: median, spread, and how many times as quick as the user's settings."""
    rows = [row for row in document["rows"] if row["metric"] == METRIC]
    user = {row["case"]: row["median"] for row in rows if row["arm"] == "hf-user"}
    lines = ["", f"{'case':18} {'arm':16} {'s / 16 rows':>11} {'min':>8} {'max':>8} {'× hf-user':>10}"]
    for row in rows:
        seconds = f"{row['median']:11.2f} {row['min']:8.2f} {row['max']:8.2f}"
        times = f"{user[row['case']] / row['median']:.1f}" if row["case"] in user else "-"
        lines.append(f"{row['case']:18} {row['arm']:16} {seconds} {times:>10}")
    return "\n".join([*lines, *document["notes"], f"{document['seconds']:.0f} s in all"])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./tunedock bench train", description=__doc__)
    add, cases = parser.add_argument, [*CASES, FULL_SIZE_CASE]
    add("--peers", type=names(PEERS), default=[], metavar="NAME,…", help=f"also {', '.join(PEERS)}")
    add("--cases", type=names(cases), default=["sms/all"], metavar="NAME,…", help=", ".join(cases))
    add("--arms", type=names(ARMS), metavar="NAME,…", help=", ".join(ARMS))
    add("--levers", action="store_true", help="also our speed-ups, one by one and added up")
    add("--repeats", type=count, metavar="N", help="turns of each arm; default 5, at full size 1")
    add("--quick", action="store_true", help="one step a turn, no warm-up")
    add("--rows", type=count, default=2000, metavar="N", help="how many to choose from")
    add("--layers", type=count, metavar="N", help="at full size: fewer than 30 for a quick try")
    add_shared(parser, writes="the rows")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
