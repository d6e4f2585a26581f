"""`python -m tests.chaos.power`: power cuts amid a running service, and what the service makes of each."""

import argparse
import json
import random
import shutil
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.chaos.drive import quiet_runs
from tests.chaos.history import History
from tests.chaos.power.cut import Cut, cut_power
from tests.chaos.power.disk import MOUNTS, Images, PowerDisks, missing_parts
from tests.chaos.power.judgement import Found, judge_cut
from tests.chaos.power.traffic import Traffic
from tests.chaos.world import World

SPECS_USED = {"short", "middle", "validated"}
SWEPT_EVERY = 5  # a sweep takes a start of the worker


def main() -> int:
    arguments = _parser().parse_args()
    if missing := missing_parts():
        print(f"skipped: power cuts need {', '.join(missing)}")
        return 0
    folder = arguments.folder or Path(tempfile.mkdtemp(prefix="tunedock-power-"))
    folder.mkdir(parents=True, exist_ok=True)
    print(f"seed {arguments.seed}, mount {arguments.mount}, {arguments.cuts} cuts, in {folder}", flush=True)
    cuts, references = _cut(folder / "stack", arguments.cuts, arguments.seed, arguments.mount)
    found = [_judged(cut, folder / "stack", references) for cut in cuts]
    if arguments.json:
        figures = [_row(one) for one in found]
        arguments.json.write_text(json.dumps({"mount": arguments.mount, "cuts": figures}, indent=1) + "\n")
    broken = sum(bool(one.violations) for one in found)
    print(f"{len(found)} cuts, {broken} with something broken")
    return 1 if broken else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.power", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="decides requests and moments (default: 1)")
    parser.add_argument("--cuts", type=int, default=15, help="how often the power is cut (default: 15)")
    parser.add_argument("--mount", choices=MOUNTS, default="unkind", help="how ext4 is mounted meanwhile")
    parser.add_argument("--folder", type=Path, help="where the run has its files; a new one by default")
    parser.add_argument("--json", type=Path, help="write what was found to this file")
    return parser


def _cut(folder: Path, count: int, seed: int, mount: str) -> tuple[list[Cut], dict[str, str]]:
    """Run a stack with a user, and cut its power `count` times; the adapters of undisturbed runs, too."""
    folder.mkdir()
    images, chance = Images(folder), random.Random(seed)
    images.make()
    with closing(History(folder / "history.jsonl")) as history:
        world = World(folder, history)
        world.disks = PowerDisks(world.data_dir, images, MOUNTS[mount])
        with world:
            references = quiet_runs(world, SPECS_USED)
            with Traffic(world, seed) as traffic:
                cuts = [cut_power(world, traffic, number, folder, chance) for number in range(count)]
            assert traffic.failure is None, f"the user failed: {traffic.failure!r}"
    images.of("data").unlink()
    return cuts, references


def _judged(cut: Cut, folder: Path, references: dict[str, str]) -> Found:
    """In the folder of the stack that was cut off: models and data sets are those of before."""
    with closing(History(folder / f"history-{cut.number}.jsonl")) as history:
        found = judge_cut(cut, folder, references, history, swept=cut.number % SWEPT_EVERY == 0)
    print(json.dumps(_row(found)), flush=True)
    if not found.violations:
        shutil.rmtree(cut.images.folder)
    return found


def _row(found: Found) -> dict[str, Any]:
    cut = found.cut
    return {
        "cut": cut.number,
        "moment": cut.moment,
        "met": cut.was_met,
        "doing": cut.known.doing.what if cut.known.doing else None,
        "accepted": len(cut.known.accepted),
        "open": found.open_jobs,
        "ended": len(cut.known.ended),
        "deleted": len(cut.known.deleted),
        "files": len(cut.known.files),
        "torn_drafts": found.torn_drafts,
        "jobs_with_gap": found.with_gap,
        "start_seconds": round(found.start_seconds, 1),
        "adapters_equal": f"{found.adapters_equal} of {found.adapters}",
        "violations": [f"{one.rule}: {one.job_id or ''} {one.what}" for one in found.violations],
    }


if __name__ == "__main__":
    sys.exit(main())
