"""`./tunedock bench factors`: is what a training diagnosis says of each setting what HF Trainer takes?

The common recipe (2 rows, 8 times, padded to 512, all recomputed, nf4, LoRA r8 on queries and values) is
diagnosed as a job diagnoses it, on short messages and on rows that fill the 512 tokens. Then HF Trainer
trains the same rows with that recipe and with one setting changed, 4 rows a step, arms in turns. The ratios
of the two ways must lie within 15 % of each other, and the diagnosis must name the true first cause.
"""

import argparse
import json
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from bench.document import Samples, machine, say
from bench.factor_costs import ARM_OF, Compared, compare, table
from bench.factor_inputs import CASES, CaseRows, case_rows, turns_order
from bench.options import count, minutes, names
from bench.sms import Message, NoMessages, read_messages
from bench.train_arms.hf_factors import COMMON
from bench.train_inputs import LORA_OF_A_JOB, make_start
from bench.train_measure import METRIC, SEED, Inputs, Measuring, Steps, measure
from services.worker.explaining.diagnosis import explain_training
from services.worker.failures import JobFailed
from services.worker.models.hub.demo_model import make_demo_model
from services.worker.models.hub.model_places import ModelFiles
from services.worker.models.load import LoadedModel
from services.worker.models.residency import Residency
from services.worker.phase_clock import PhaseClock
from services.worker.report import SilentReport
from shared.reports.training import TrainingReport
from shared.schemas import TrainingDiagnosticRequest
from shared.settings import PROJECT_ROOT
from shared.training_settings.read import given_settings

FIRST_CAUSE = {"sms": "padding", "full512": "recomputation"}
OPTIM = "paged_adamw_8bit"
ROWS_OF_A_STEP = 4  # of HF Trainer's: two micro-batches of the recipe
ONE_STEP = Steps(1, 1)


def main() -> int:
    arguments = _arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    scratch = Path(arguments.scratch).resolve()
    scratch.mkdir(parents=True, exist_ok=True)
    samples, started = Samples(), time.monotonic()
    compared, causes, notes = list[Compared](), dict[str, str | None](), list[str]()
    try:
        messages = read_messages(arguments.sms)
        model = arguments.model or make_demo_model(scratch / "models", SilentReport())
        with TemporaryDirectory(prefix="bench-factors-", dir=scratch) as name:
            for case in arguments.cases:
                measuring = _measuring(case, arguments, scratch, Path(name))
                found, cause, failures = measure_case(case, messages, model, measuring, arguments, samples)
                compared += found
                causes[case] = cause
                notes += failures
    except (NoMessages, JobFailed) as error:
        print(f"bench factors: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    seconds = time.monotonic() - started
    print("\n".join([table(compared), *map(cause_line, causes.items()), *notes, f"{seconds:.0f} s in all"]))
    if arguments.json:
        document = {
            "bench": "factors",
            "machine": machine(),
            "rows": samples.rows(),
            "factors": [asdict(one) | {"apart": one.apart} for one in compared],
            "first_causes": causes,
            "notes": notes,
            "seconds": seconds,
        }
        Path(arguments.json).write_text(json.dumps(document, indent=1) + "\n")
    named = all(cause == FIRST_CAUSE[case] for case, cause in causes.items())
    return int(not (named and all(one.kept for one in compared)))


def measure_case(
    case: str,
    messages: Sequence[Message],
    model: Path,
    measuring: Measuring,
    arguments: argparse.Namespace,
    samples: Samples,
) -> tuple[list[Compared], str | None, list[str]]:
    """The factors of one case's rows, the first cause that the diagnosis names, and the arms that failed."""
    here = measuring.folder / case
    here.mkdir()
    now, residency = (
        datetime.now(UTC),
        Residency(torch.device(measuring.device), measuring.scratch / "models"),
    )
    stages = PhaseClock(first="model_load")
    base, _ = residency.base(ModelFiles(model.name, None, model, "folder"), SilentReport())
    stages.turn("data_load")
    rows = case_rows(case, messages, base.tokenizer, rows=arguments.rows, folder=here, now=now)
    say(
        f"{case}: diagnosing {len(rows.ids)} rows of {rows.mean_tokens:.0f} tokens, {arguments.minutes:g} min"
    )
    report = diagnose(base, rows, minutes=arguments.minutes, stages=stages, now=now)
    if arguments.reports:
        path = Path(arguments.reports) / f"{case}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(report.model_dump_json(indent=1) + "\n")
    del base
    residency.evict()  # HF Trainer's arms have the machine's memory and caches for themselves
    failures = train(case, rows, model, here, measuring, samples)
    seconds = {arm: samples.values.get((arm, case, METRIC), []) for arm in (COMMON, *ARM_OF.values())}
    cause = report.findings[0].id if report.findings else None
    notes = [f"{case}, {arm}: {why}" for arm, why in failures.items()]
    return compare(case, report.facts.factors, seconds[COMMON], seconds), cause, notes


def diagnose(
    base: LoadedModel, rows: CaseRows, *, minutes: float, stages: PhaseClock, now: datetime
) -> TrainingReport:
    """As the worker does for a job of the kind training_diagnostic."""
    return explain_training(
        base,
        TrainingDiagnosticRequest(dataset="messages", minutes=minutes),
        rows.data,
        told=given_settings({"lora": LORA_OF_A_JOB, "optim": OPTIM}),
        stages=stages,
        now=now,
        report=SilentReport(),
    )


def train(
    case: str, rows: CaseRows, model: Path, here: Path, measuring: Measuring, samples: Samples
) -> dict[str, str]:
    """HF Trainer's arms in turns; the arms that failed, with the reason."""
    longest = measuring.steps_of("hf-longest")
    order = turns_order(
        len(rows.ids),
        warm_up=longest.warm_up * ROWS_OF_A_STEP,
        turns=measuring.repeats,
        of_turn=longest.turn * ROWS_OF_A_STEP,
        seed=SEED,
    )
    inputs = Inputs(
        model,
        rows.in_order(order).write(here / "rows.safetensors"),
        make_start(model, here / "start", seed=SEED),
        len(rows.ids),
        rows.mean_tokens,
    )
    return measure(case, inputs, [COMMON, *ARM_OF.values()], measuring, samples).failures


def _measuring(case: str, arguments: argparse.Namespace, scratch: Path, folder: Path) -> Measuring:
    """Short rows differ in length, and padding to the longest with them: there each turn has all of them."""
    measuring = Measuring(
        repeats=arguments.repeats,
        scratch=scratch,
        folder=folder,
        device="cuda" if torch.cuda.is_available() else "cpu",
        steps={"*": ONE_STEP},
        rows_per_step=ROWS_OF_A_STEP,
        optim=OPTIM,
    )
    if case != "sms":
        return measuring
    return replace(measuring, steps={"*": ONE_STEP, "hf-longest": Steps(1, arguments.rows // ROWS_OF_A_STEP)})


def cause_line(found: tuple[str, str | None]) -> str:
    case, cause = found
    return f"{case}: first cause {cause or 'none'}" + (
        "" if cause == FIRST_CAUSE[case] else f", wanted {FIRST_CAUSE[case]}: MISSED"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./tunedock bench factors", description=__doc__)
    add = parser.add_argument
    add("--sms", type=Path, metavar="FILE", help="label, tab, text; default: from the hub")
    add("--json", metavar="FILE", help="write the table to FILE")
    add("--reports", metavar="FOLDER", help="keep the diagnoses' reports there")
    add("--cases", type=names(CASES), default=list(CASES), metavar="NAME,…", help=", ".join(CASES))
    add(
        "--minutes",
        type=minutes,
        metavar="M",
        help="of each diagnosis; five rounds in any case; default 3, quick 1",
    )
    add("--repeats", type=count, metavar="N", help="turns of each of HF Trainer's arms; default 3, quick 1")
    add("--quick", action="store_true", help="one turn, one minute: to see whether it works")
    add("--rows", type=count, default=48, metavar="N", help="of each case")
    add("--model", type=Path, metavar="FOLDER", help="default: SmolLM2-135M-Instruct")
    add("--scratch", default=str(PROJECT_ROOT / "data" / "bench"), metavar="FOLDER")
    arguments = parser.parse_args()
    arguments.minutes = arguments.minutes or (1.0 if arguments.quick else 3.0)
    arguments.repeats = arguments.repeats or (1 if arguments.quick else 3)
    if arguments.rows < ROWS_OF_A_STEP:
        parser.error(f"--rows {arguments.rows}: HF Trainer takes {ROWS_OF_A_STEP} rows a step; give as many")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
