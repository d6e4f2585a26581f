"""`./tunedock bench train`: how long 16 rows of fine-tuning take, our way and the peers'.

All arms have the same token rows, adapter start, optimizer and schedule. Each is a process that keeps its
model; they take turns, so that a slow minute of the machine is everybody's.
"""

import argparse
import json
import signal
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from bench.arm_process import ArmFailed, ArmProcess, ArmStep
from bench.document import Samples, machine, say
from bench.peers import PEER_OF_ARM, NoEnvironment, python_for
from bench.sms import Message, NoMessages, read_messages
from bench.train_arms.job import TrainJob
from bench.train_arms.plans import lever_arms
from bench.train_inputs import CASES, Case, make_rows, make_start
from bench.weights import make_model
from services.worker.failures import JobFailed
from services.worker.loading.demo_model import make_demo_model
from services.worker.report import SilentReport
from shared.settings import PROJECT_ROOT

METRIC = "seconds_per_16_rows"
DEFAULT_ARMS = ("hf-user", "hf-grouped", "trl-best", "ours-baseline", "ours-auto")
PEERS = tuple(arm for arm in PEER_OF_ARM if arm not in DEFAULT_ARMS)
ARMS = (*DEFAULT_ARMS, *PEERS, *lever_arms())
FULL_SIZE_CASE = "exaone-2.4b/all"
FULL_SIZE_ARMS = ("hf-user", "ours-auto")
SEED = 0


@dataclass(frozen=True)
class Steps:
    """Those of an arm's warm-up, which are not counted, and those of each turn."""

    warm_up: int
    turn: int


# An arm that pads to the full length takes the same time for any rows; the others' steps differ, so more
# of them are looked at.
FEW, MANY, MOST = Steps(1, 1), Steps(2, 6), Steps(2, 10)
STEPS = {"hf-user": FEW, "ours-baseline": FEW, "ours-auto": MOST}
FULL_SIZE_STEPS = Steps(0, 1)


@dataclass
class Results:
    """What came of the arms of one case: their steps in order, and why an arm stopped."""

    steps: dict[str, list[ArmStep]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Inputs:
    """The case's model, rows and adapter start, as folders and files."""

    model: Path
    rows: Path
    start: Path
    row_count: int
    mean_tokens: float


def main() -> int:
    arguments = _arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    scratch = Path(arguments.scratch).resolve()
    scratch.mkdir(parents=True, exist_ok=True)
    samples, notes, losses = Samples(), list[str](), dict[str, dict[str, list[float]]]()
    started = time.monotonic()
    try:
        messages = read_messages(arguments.sms)
        demo = arguments.model or make_demo_model(scratch / "models", SilentReport())
        with TemporaryDirectory(prefix="bench-train-", dir=scratch) as name:
            for case in arguments.cases:
                inputs = make_inputs(case, messages, demo, Path(name), scratch, arguments.rows)
                notes.append(f"{case}: {inputs.row_count} rows of {inputs.mean_tokens:.0f} tokens on average")
                results = measure(case, inputs, arguments, Path(name), scratch, samples)
                notes.extend(f"{case}, {arm}: {why}" for arm, why in results.failures.items())
                notes.extend(agreement(case, results))
                losses[case] = {arm: [step.loss for step in steps] for arm, steps in results.steps.items()}
    except (NoMessages, JobFailed) as error:
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
    wanted = {(arm, case) for case in arguments.cases for arm in arms_of(case, arguments) if arm not in PEER_OF_ARM}
    return int(not wanted <= {(row["arm"], row["case"]) for row in document["rows"]})


def make_inputs(
    case: str, messages: Sequence[Message], demo: Path, folder: Path, scratch: Path, rows: int
) -> Inputs:
    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(demo)
    model, rows_of = demo, CASES.get(case, CASES["sms/all"])
    if case == FULL_SIZE_CASE:
        say("making the model: random weights in the shapes of EXAONE-3.5-2.4B, bfloat16")
        model = make_model(scratch / "exaone-2.4b")
    file = make_rows(rows_of, messages, tokenizer, seed=SEED, rows=rows)
    here = folder / case.replace("/", "-")
    here.mkdir()
    return Inputs(
        model,
        file.write(here / "rows.safetensors"),
        make_start(model, here / "start", seed=SEED),
        len(file.ids),
        file.tokens / len(file.ids),
    )


def measure(
    case: str, inputs: Inputs, arguments: argparse.Namespace, folder: Path, scratch: Path, samples: Samples
) -> Results:
    """Each arm loads and warms up, then all take turns; one that fails is left out from then on."""
    results = Results()
    with ExitStack() as stack:
        arms: dict[str, ArmProcess] = {}

        def attempt(arm: str, work: Callable[[], None]) -> None:
            try:
                work()
            except (ArmFailed, NoEnvironment) as error:
                say(f"{case} {arm} failed: {error}")
                results.failures[arm] = str(error)
                arms.pop(arm, None)

        def start(arm: str) -> None:
            job = make_job(arm, case, inputs, arguments, folder, scratch)
            say(f"{case} {arm}: loading, {job.warm_up_steps} steps to warm up")
            arms[arm] = stack.enter_context(ArmProcess(job, python_for(arm, scratch / "peers")))
            arms[arm].ready()
            results.steps[arm] = arms[arm].steps(job.warm_up_steps)

        def turn(arm: str, repeat: int) -> None:
            steps = arms[arm].steps(arms[arm].job.steps_per_turn)
            results.steps[arm].extend(steps)
            seconds = seconds_per_16_rows(steps)
            samples.add(arm, case, METRIC, seconds)
            say(f"{case} {repeat + 1}/{arguments.repeats} {arm}: {seconds:.2f} s per 16 rows "
                f"({sum(step.tokens for step in steps) / sum(step.seconds for step in steps):.0f} tokens/s), "
                f"loss {steps[-1].loss:.4f}")  # fmt: skip

        for arm in arms_of(case, arguments):
            attempt(arm, lambda arm=arm: start(arm))
        for repeat in range(arguments.repeats):
            for arm in list(arms):
                attempt(arm, lambda arm=arm, repeat=repeat: turn(arm, repeat))
    return results


def arms_of(case: str, arguments: argparse.Namespace) -> list[str]:
    wanted = arguments.arms or (FULL_SIZE_ARMS if case == FULL_SIZE_CASE else DEFAULT_ARMS)
    levers = lever_arms() if arguments.levers else []
    return list(dict.fromkeys([*wanted, *arguments.peers, *levers]))


def make_job(
    arm: str, case: str, inputs: Inputs, arguments: argparse.Namespace, folder: Path, scratch: Path
) -> TrainJob:
    steps = FULL_SIZE_STEPS if case == FULL_SIZE_CASE else STEPS.get(arm, MANY)
    if arguments.quick:
        steps = Steps(0, 1)
    return TrainJob(
        arm=arm,
        model=str(inputs.model),
        rows=str(inputs.rows),
        start=str(inputs.start),
        scratch=str(folder / case.replace("/", "-") / arm),
        artifacts=str(scratch / "models"),
        device="cuda" if torch.cuda.is_available() else "cpu",
        turns=arguments.repeats,
        steps_per_turn=steps.turn,
        warm_up_steps=steps.warm_up,
        total_steps=max(-(-inputs.row_count // 16), steps.warm_up + arguments.repeats * steps.turn),
        seed=SEED,
    )


def seconds_per_16_rows(steps: Iterable[ArmStep]) -> float:
    steps = list(steps)
    return 16 * sum(step.seconds for step in steps) / sum(step.rows for step in steps)


def agreement(case: str, results: Results) -> list[str]:
    """How far the losses of the arms that take the same rows lie apart, over the steps that both did."""
    said = []
    reference = results.steps.get("ours-baseline", [])
    for arm in ("hf-user", "ours-auto"):
        pairs = list(zip(reference, results.steps.get(arm, []), strict=False))
        if pairs:
            apart = max(abs(one.loss - other.loss) / one.loss for one, other in pairs)
            said.append(f"{case}: losses of ours-baseline and {arm} differ by {apart:.2%} at most over "
                        f"{len(pairs)} steps")  # fmt: skip
    return said


def table(document: dict[str, Any]) -> str:
    """One row an arm and case: median, spread, and how many times the user's settings."""
    user = {row["case"]: row["median"] for row in document["rows"] if row["arm"] == "hf-user"}
    lines = ["", f"{'case':18} {'arm':16} {'s / 16 rows':>11} {'min':>8} {'max':>8} {'× hf-user':>10}"]
    for row in document["rows"]:
        times = f"{user[row['case']] / row['median']:10.1f}" if row["case"] in user else f"{'-':>10}"
        lines.append(f"{row['case']:18} {row['arm']:16} {row['median']:11.2f} {row['min']:8.2f} "
                     f"{row['max']:8.2f} {times}")  # fmt: skip
    return "\n".join([*lines, *document["notes"], f"{document['seconds']:.0f} s in all"])


def _names(known: Sequence[str]) -> Callable[[str], list[str]]:
    def read(text: str) -> list[str]:
        names = text.split(",")
        if unknown := [name for name in names if name not in known]:
            raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(known)}")
        return names

    return read


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return int(text)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./tunedock bench train", description=__doc__)
    parser.add_argument("--sms", type=Path, metavar="FILE", help="label, tab, text; default: from the hub")
    parser.add_argument("--json", metavar="FILE", help="write the rows to FILE")
    parser.add_argument("--peers", type=_names(PEERS), default=[], metavar="NAME,…",
                        help=f"beside the usual arms, each in an environment of its own: {', '.join(PEERS)}")  # fmt: skip
    parser.add_argument("--cases", type=_names([*CASES, FULL_SIZE_CASE]), default=["sms/all"],
                        metavar="NAME,…", help=f"{', '.join(CASES)}, {FULL_SIZE_CASE}")  # fmt: skip
    parser.add_argument("--arms", type=_names(ARMS), metavar="NAME,…", help=", ".join(ARMS))
    parser.add_argument("--levers", action="store_true", help="also our levers, one by one and added up")
    parser.add_argument("--repeats", type=_count, default=5, metavar="N")
    parser.add_argument("--quick", action="store_true", help="one step a turn, no warm-up")
    parser.add_argument("--rows", type=_count, default=2000, metavar="N", help="how many to choose from")
    parser.add_argument("--model", type=Path, metavar="FOLDER", help="default: SmolLM2-135M-Instruct")
    parser.add_argument("--scratch", default=str(PROJECT_ROOT / "data" / "bench"), metavar="FOLDER")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
