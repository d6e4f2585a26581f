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
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.document import Samples, machine
from bench.factor_costs import table
from bench.factor_inputs import CASES
from bench.factor_measure import ROWS_OF_A_STEP, CaseFound, Wanted, measure_case
from bench.options import add_shared, count, minutes, names
from bench.sms import NoMessages, read_messages
from bench.train_inputs import CAP
from services.worker.failures import JobFailed
from services.worker.models.hub.demo_model import make_demo_model
from services.worker.running_job import NoJob

# Of a diagnosis: as many as all of its arms take. Full rows take as long with padding as without.
MINUTES = {"sms": 3.0, "full512": 4.5}
FIRST_CAUSE = {"sms": "padding", "full512": "recomputation"}


def main() -> int:
    arguments = _arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    scratch = Path(arguments.scratch).resolve()
    scratch.mkdir(parents=True, exist_ok=True)
    samples, started = Samples(), time.monotonic()
    found = dict[str, CaseFound]()
    try:
        messages = read_messages(arguments.sms)
        model = arguments.model or make_demo_model(scratch / "models", NoJob())
        with TemporaryDirectory(prefix="bench-factors-", dir=scratch) as name:
            wanted = Wanted(
                model,
                rows=arguments.rows,
                length=arguments.length,
                minutes=arguments.minutes or MINUTES,
                turns=arguments.repeats,
                scratch=scratch,
                folder=Path(name),
                reports=arguments.reports,
            )
            for case in arguments.cases:
                found[case] = measure_case(case, messages, wanted, samples)
    except (NoMessages, JobFailed) as error:
        print(f"bench factors: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    seconds = time.monotonic() - started
    compared = [factor for case in found.values() for factor in case.factors]
    causes = {name: case.first_cause for name, case in found.items()}
    notes = [note for case in found.values() for note in case.notes]
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


def cause_line(found: tuple[str, str | None]) -> str:
    case, cause = found
    return f"{case}: first cause {cause or 'none'}" + (
        "" if cause == FIRST_CAUSE[case] else f", wanted {FIRST_CAUSE[case]}: MISSED"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./tunedock bench factors", description=__doc__)
    add = parser.add_argument
    add("--reports", type=Path, metavar="FOLDER", help="keep the diagnoses' reports there")
    add("--cases", type=names(CASES), default=list(CASES), metavar="NAME,…", help=", ".join(CASES))
    add(
        "--minutes",
        type=minutes,
        metavar="M",
        help="of each diagnosis; five rounds in any case; default 3, of full rows 4.5, quick 1",
    )
    add("--repeats", type=count, metavar="N", help="turns of each of HF Trainer's arms; default 3, quick 1")
    add("--quick", action="store_true", help="one turn, one minute, 128 tokens: to see whether it works")
    add("--length", type=count, metavar="N", help="tokens that rows are padded to; default 512, quick 128")
    add("--rows", type=count, default=48, metavar="N", help="of each case")
    add_shared(parser, writes="the table")
    arguments = parser.parse_args()
    if arguments.quick or arguments.minutes:
        arguments.minutes = dict.fromkeys(CASES, arguments.minutes or 1.0)
    arguments.repeats = arguments.repeats or (1 if arguments.quick else 3)
    arguments.length = arguments.length or (128 if arguments.quick else CAP)
    if arguments.rows < ROWS_OF_A_STEP:
        parser.error(f"--rows {arguments.rows}: HF Trainer takes {ROWS_OF_A_STEP} rows a step; give as many")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
