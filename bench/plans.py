"""`./tunedock bench plans`: is the plan that a run chooses near the best of all that it could choose?

For each data set the first steps of a run try the estimate's best candidates, as they do in every run that is
long enough. Then a step's rows are computed by every plan that the planner considers, by turns, the same rows
each. The chosen plan must be within 5 % of the best.
"""

import argparse
import json
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch
from transformers import AutoTokenizer

from bench.document import Samples, machine
from bench.options import add_shared, count, names
from bench.plan_choice import SEED, CaseResult, measure_case
from bench.sms import NoMessages, read_messages
from bench.train_arms.ours import token_rows
from bench.train_inputs import CASES, make_rows
from services.worker.failures import JobFailed
from services.worker.models.hub.demo_model import make_demo_model
from services.worker.models.hub.model_places import ModelFiles
from services.worker.models.residency import Residency
from services.worker.running_job import NoJob

BAR = 0.05
# Some 2,000 tokens a step of long rows, so that a sweep takes minutes; a short one has the usual 16.
ROWS_PER_STEP = {"sms": 16, "mean250": 8, "full512": 4, "sms-prefix5": 16}
METRIC = "step_seconds"


def main() -> int:
    arguments = _arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    scratch = Path(arguments.scratch).resolve()
    scratch.mkdir(parents=True, exist_ok=True)
    started, results = time.monotonic(), list[CaseResult]()
    try:
        messages = read_messages(arguments.sms)
        model = arguments.model or make_demo_model(scratch / "models", NoJob())
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        residency = Residency(device, scratch / "models")
        base, _ = residency.base(ModelFiles(model.name, None, model, "folder"), NoJob())
        tokenizer = AutoTokenizer.from_pretrained(model)
        for case in arguments.cases:
            made = make_rows(CASES[case], messages, tokenizer, seed=SEED, rows=arguments.rows)
            per_step = arguments.rows_per_step or ROWS_PER_STEP[CASES[case].mix]
            results.append(measure_case(case, base, token_rows(made), per_step, arguments.repeats))
    except (NoMessages, JobFailed) as error:
        print(f"bench plans: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    seconds = time.monotonic() - started
    print("\n".join([*map(table, results), f"{seconds:.0f} s in all"]))
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(document(results, seconds), indent=1) + "\n")
    return int(any(result.distance > BAR for result in results))


def table(result: CaseResult) -> str:
    """Plans with their seconds, the quickest first, then those that were only seen once."""
    swept = result.swept
    width = max(map(len, swept.first))
    lines = [f"\n{result.case}: seconds of a step's forward and backward passes"]
    for name in sorted(swept.first, key=lambda name: (name not in swept.rounds, swept.seconds(name))):
        marks = [
            word
            for word, is_so in (
                ("chosen", name == result.chosen),
                ("best", name == swept.best),
                ("seen once", name not in swept.rounds),
            )
            if is_so
        ]
        numbers = f"{swept.seconds(name):8.2f} {swept.distance(name):+7.1%}"
        lines.append(f"  {name:{width}} {numbers}  {', '.join(marks)}".rstrip())
    lines += [f"  {name:{width}} does not fit" for name in swept.too_large]
    verdict = "kept" if result.distance <= BAR else "MISSED"
    estimated = f"the estimate's first {swept.distance(result.estimated):+.1%}"
    return "\n".join([*lines, f"  chosen {result.distance:+.1%} from the best, {estimated}: {verdict}"])


def document(results: Sequence[CaseResult], seconds: float) -> dict[str, object]:
    samples = Samples()
    for result in results:
        for name, took in result.swept.first.items():
            for one in result.swept.rounds.get(name, [took]):
                samples.add(name, result.case, METRIC, one)
    return {
        "bench": "plans",
        "machine": machine(),
        "rows": samples.rows(),
        "cases": [asdict(result) | {"distance": result.distance} for result in results],
        "seconds": seconds,
    }


def _arguments() -> argparse.Namespace:
    cases = ["sms/all", "mean250/all", "full512/all"]
    parser = argparse.ArgumentParser(prog="./tunedock bench plans", description=__doc__)
    add = parser.add_argument
    add("--cases", type=names(list(CASES)), default=cases, metavar="NAME,…", help=", ".join(CASES))
    add("--repeats", type=count, metavar="N", help="rounds of the sweep; default 4, quick 1")
    add("--quick", action="store_true", help="one round: to see whether it works")
    add("--rows-per-step", type=count, metavar="N", help="default: 16, of long rows fewer")
    add("--rows", type=count, default=400, metavar="N", help="how many to choose from")
    add_shared(parser, writes="the seconds")
    arguments = parser.parse_args()
    arguments.repeats = arguments.repeats or (1 if arguments.quick else 4)
    return arguments


if __name__ == "__main__":
    sys.exit(main())
