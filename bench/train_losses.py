"""Do our plans learn the same? `python -m bench.train_losses FOLDER --sms FILE …` trains and compares.

Each run (an arm and a seed) is kept in FOLDER as it goes, so that the same command goes on where it was
stopped. The first of `--arms` is judged against the second:

    20 steps against the full padding   --arms ours-auto,ours-baseline --steps 20 --gradients
    200 steps against the longest row   --arms ours-auto,ours-longest --steps 200 --held-out 500
    F1 over three seeds                 … --case sms/completion --steps 125 --seeds 0,1,2 --held-out 500

With the loss on all tokens (sms/all) a label is one token of many, and no F1 comes of a few hundred steps.
"""

import argparse
import json
import math
import signal
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer

from bench.document import say
from bench.loss_run import LossRun, do_run
from bench.options import add_shared
from bench.sms import NoMessages, read_messages
from bench.train_arms.gradients import gradient_file
from bench.train_inputs import CASES
from services.worker.models.hub.demo_model import make_demo_model
from services.worker.running_job import NoJob

STEP_1_BAR, EMA_BAR, HELD_OUT_BAR, F1_BAR_POINTS, COSINE_BAR = 0.001, 0.005, 0.005, 1.5, 0.999
EMA_STEPS = 50


@dataclass(frozen=True)
class Line:
    """One comparison: what was seen, what is allowed, and whether that is kept."""

    what: str
    seen: str
    bar: str
    kept: bool


def main() -> int:
    arguments = _arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = Path(arguments.folder).resolve()
    try:
        messages = read_messages(arguments.sms)
    except NoMessages as error:
        print(f"bench.train_losses: {error}", file=sys.stderr)
        return 1
    model = arguments.model or make_demo_model(Path(arguments.scratch) / "models", NoJob())
    tokenizer = AutoTokenizer.from_pretrained(model)
    results: dict[tuple[str, int], dict[str, Any]] = {}
    for seed in arguments.seeds:
        for arm in arguments.arms:
            run = LossRun(
                arm,
                seed,
                arguments.steps,
                model,
                folder,
                arguments.rows,
                arguments.held_out,
                arguments.gradients,
                arguments.case,
            )
            say(f"{arm}, seed {seed}")
            results[arm, seed] = do_run(run, messages, tokenizer, Path(arguments.scratch) / "models")
    lines = compare(arguments.arms, arguments.seeds, results)
    print(table(arguments.arms, lines))
    (folder / "comparison.json").write_text(json.dumps([line.__dict__ for line in lines], indent=1) + "\n")
    return int(not all(line.kept for line in lines))


def compare(
    arms: Sequence[str], seeds: Sequence[int], results: dict[tuple[str, int], dict[str, Any]]
) -> list[Line]:
    ours, reference = arms
    lines: list[Line] = []
    for seed in seeds:
        mine, theirs = results[ours, seed], results[reference, seed]
        lines.extend(_losses(seed, mine["losses"], theirs["losses"]))
        if mine["gradients"] and theirs["gradients"]:
            lines.append(_gradients(seed, Path(mine["gradients"]), Path(theirs["gradients"]), mine["losses"]))
        if mine["held_out_loss"] is not None:
            pair = mine["held_out_loss"], theirs["held_out_loss"]
            lines.append(_line(f"seed {seed}: held-out loss", *pair, HELD_OUT_BAR))
        if mine.get("held_out_loss_fp32") is not None and theirs.get("held_out_loss_fp32") is not None:
            pair = mine["held_out_loss_fp32"], theirs["held_out_loss_fp32"]
            lines.append(_line(f"seed {seed}: held-out loss of these adapters in fp32", *pair, HELD_OUT_BAR))
    if results[ours, seeds[0]]["f1"] is not None:
        means = [100 * statistics.mean(results[arm, seed]["f1"] for seed in seeds) for arm in arms]
        what, apart = f"F1 of spam, mean of {len(seeds)} seeds", abs(means[0] - means[1])
        seen = f"{means[0]:.1f} and {means[1]:.1f}"
        lines.append(Line(what, seen, f"{F1_BAR_POINTS} points", apart <= F1_BAR_POINTS))
    return lines


def _losses(seed: int, mine: Sequence[float], theirs: Sequence[float]) -> list[Line]:
    first = _line(f"seed {seed}: loss of step 1", mine[0], theirs[0], STEP_1_BAR)
    pairs = zip(moving_average(mine), moving_average(theirs), strict=True)
    one, other = max(pairs, key=lambda pair: _apart(*pair))
    what = f"seed {seed}: EMA({EMA_STEPS}) of {len(mine)} losses where it differs most"
    return [first, _line(what, one, other, EMA_BAR)]


def _gradients(seed: int, mine: Path, theirs: Path, losses: Sequence[float]) -> Line:
    def cosine(step: int) -> float:
        one, other = (
            load_file(gradient_file(folder, step))["gradient"].double() for folder in (mine, theirs)
        )
        return float(torch.cosine_similarity(one, other, dim=0))

    least = min(cosine(step) for step in range(1, len(losses) + 1))
    what = f"seed {seed}: adapter's gradients, least alike of {len(losses)} steps"
    return Line(what, f"cosine {least:.5f}", f"cosine {COSINE_BAR}", least >= COSINE_BAR)


def _line(what: str, one: float, other: float, bar: float) -> Line:
    apart = _apart(one, other)
    return Line(what, f"{one:.5f} and {other:.5f}: {apart:.3%}", f"{bar:.1%}", apart <= bar)


def moving_average(losses: Sequence[float], steps: int = EMA_STEPS) -> list[float]:
    """Exponential, with weight 2 / (steps + 1) for the newest; the first loss is its start."""
    share, average, averages = 2 / (steps + 1), losses[0], list[float]()
    for loss in losses:
        average += share * (loss - average)
        averages.append(average)
    return averages


def _apart(one: float, other: float) -> float:
    return abs(one - other) / abs(other) if other else math.inf


def table(arms: Sequence[str], lines: Sequence[Line]) -> str:
    cells = [
        ("", "seen", "allowed", ""),
        *((line.what, line.seen, line.bar, "kept" if line.kept else "MISSED") for line in lines),
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    rows = ["  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)) for row in cells]
    return "\n".join([f"{arms[0]} against {arms[1]}", *rows])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.train_losses", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("folder", metavar="FOLDER", help="keeps the runs; the same command goes on with them")
    parser.add_argument("--arms", type=_two_arms, default=["ours-auto", "ours-longest"], metavar="ARM,ARM")
    parser.add_argument("--steps", type=int, default=20, metavar="N")
    parser.add_argument(
        "--seeds", type=_seeds, default=[0], metavar="N,…", help="of row order and adapter start"
    )
    parser.add_argument(
        "--case", choices=[case for case in CASES if case.startswith("sms/")], default="sms/all"
    )
    parser.add_argument("--gradients", action="store_true", help="compare them too (2 MB a step)")
    parser.add_argument("--held-out", type=int, default=0, metavar="N", help="messages to score afterwards")
    parser.add_argument("--rows", type=int, default=2000, metavar="N")
    add_shared(parser)
    return parser.parse_args()


def _two_arms(text: str) -> list[str]:
    arms = text.split(",")
    if len(arms) != 2 or not all(arm.startswith("ours-") for arm in arms):
        raise argparse.ArgumentTypeError(f"{text!r} does not name two of our arms")
    return arms


def _seeds(text: str) -> list[int]:
    try:
        return [int(seed) for seed in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no list of numbers") from None


if __name__ == "__main__":
    sys.exit(main())
