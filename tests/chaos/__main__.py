"""`python -m tests.chaos`: a run of chaos, from a seed or from a plan that an earlier run wrote."""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from tests.chaos.drive import Outcome, as_json, run
from tests.chaos.faults import FAULTS
from tests.chaos.plan import Plan, draw

JOBS_A_MINUTE = 6
GAP_SECONDS = 6.0
FAULTS_TOLD = 10


def main() -> int:
    arguments = _parser().parse_args()
    plan = Plan.read(arguments.replay) if arguments.replay else _drawn(arguments)
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix=f"tunedock-chaos-{plan.seed}-"))
    folder.mkdir(parents=True, exist_ok=True)
    print(f"seed {plan.seed}: {len(plan.jobs)} jobs, {len(plan.faults)} faults, in {folder}", flush=True)
    outcome = run(plan, folder)
    if arguments.json:
        arguments.json.write_text(json.dumps(as_json(outcome), indent=1) + "\n")
    _tell(outcome, folder)
    return 1 if outcome.violations else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="decides jobs and faults (default: 1)")
    parser.add_argument("--minutes", type=float, default=1.0, help="how long faults happen (default: 1)")
    parser.add_argument("--jobs", type=int, help=f"jobs in that time (default: {JOBS_A_MINUTE} a minute)")
    parser.add_argument("--gap", type=float, default=GAP_SECONDS, help="seconds between faults on average")
    parser.add_argument("--faults", help="draw only from these: names separated by commas, or none")
    parser.add_argument("--replay", type=Path, help="the plan.jsonl of an earlier run, instead of a seed")
    parser.add_argument("--folder", type=Path, help="where the run has its files; a new one by default")
    parser.add_argument("--json", type=Path, help="write the figures and violations to this file")
    return parser


def _drawn(arguments: argparse.Namespace) -> Plan:
    names = list(FAULTS) if arguments.faults is None else arguments.faults.split(",")
    if arguments.faults == "none":
        names = []
    if unknown := sorted(set(names) - FAULTS.keys()):
        sys.exit(f"There is no fault {unknown[0]!r}. There are: {', '.join(FAULTS)}")
    jobs = round(JOBS_A_MINUTE * arguments.minutes) if arguments.jobs is None else arguments.jobs
    return draw(arguments.seed, arguments.minutes, jobs=jobs, gap_seconds=arguments.gap, names=names)


def _tell(outcome: Outcome, folder: Path) -> None:
    figures = outcome.figures
    print(
        f"{figures['faults']} faults, {figures['jobs']} jobs ({figures['jobs_by_status']}), "
        f"{figures['adapters_equal']} of {figures['adapters']} adapters equal to the bit"
    )
    for name, seconds in figures["recovery_seconds_amid_others"].items():
        print(f"  {name:20} {seconds}")
    for violation in outcome.violations:
        print(f"VIOLATION {violation.rule}: {violation.job_id or ''} {violation.what}")
    if outcome.violations:
        last = [
            f"{fault.at:g} s {fault.fault} ({fault.moment})" for fault in outcome.plan.faults[-FAULTS_TOLD:]
        ]
        print(f"seed {outcome.plan.seed}; the last faults: {', '.join(last)}")
        print(
            f"again: python -m tests.chaos --replay {folder}/plan.jsonl; its history: {folder}/history.jsonl"
        )


if __name__ == "__main__":
    sys.exit(main())
