"""`./tunedock bench load`: how long a 2.4B model takes to load, by several ways and from several disks.

Every load runs cold, in a process of its own, and the arms of a repeat follow each other. `limit_seconds` is
the arm's bytes at the rate of large reads of the same disk in the same repeat.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from bench.document import Samples, machine, say
from bench.slow_disk import NoSlowDisk, SlowDisk, Throttle, slow_disk
from bench.weights import make_model, make_pickle
from services.worker.loading.hub_cache import ModelFiles
from services.worker.loading.nf4_artifact import nf4_folder
from services.worker.report import SilentReport
from services.worker.residency import Residency
from shared.settings import PROJECT_ROOT

UNTHROTTLED = Throttle("unthrottled")
CASES = (
    UNTHROTTLED,
    Throttle("150MBps", bytes_per_second=150_000_000),
    Throttle("500MBps", bytes_per_second=500_000_000),
    Throttle("400iops", reads_per_second=400),
)
ARMS = ("hf-pickle-nf4", "hf-safetensors-nf4", "hf-artifact", "ours-artifact")
QUANTIZING = ARMS[:2]  # a minute and more each: once on each throttled disk
DISK_BYTES = 13_000_000_000  # both forms of the checkpoint, and the copy


@dataclass(frozen=True)
class Models:
    """The same model as safetensors, as pickle and as our copy, all on the disk that is measured."""

    safetensors: Path
    pickle: Path
    artifacts: Path

    def of(self, arm: str) -> Path:
        return self.pickle if arm == "hf-pickle-nf4" else self.safetensors

    def bytes_of(self, arm: str) -> int:
        if arm in QUANTIZING:
            return sum(path.stat().st_size for path in self.of(arm).iterdir() if path.stat().st_size > 2**20)
        return self.artifact.stat().st_size

    @property
    def artifact(self) -> Path:
        folder = nf4_folder(self.safetensors, self.safetensors.name, self.artifacts)
        return folder / "model.safetensors"


def main() -> int:
    arguments = _arguments()
    scratch = Path(arguments.scratch).resolve()
    scratch.mkdir(parents=True, exist_ok=True)
    if (free := shutil.disk_usage(scratch).free) < DISK_BYTES * 1.1:
        print(f"{scratch} has {free / 1e9:.1f} GB free and {DISK_BYTES * 1.1 / 1e9:.1f} are needed; "
              "name another folder with --scratch", file=sys.stderr)  # fmt: skip
        return 1
    samples, notes = Samples(), list[str]()
    started = time.monotonic()
    with TemporaryDirectory(prefix="bench-load-", dir=scratch) as name, _disk(Path(name), notes) as disk:
        folder = disk.folder if disk else Path(name)
        say("making the model: random weights in the shapes of EXAONE-3.5-2.4B, bfloat16")
        models = make_models(folder, arguments.layers)
        wanted = [case for case in CASES if not arguments.cases or case.name in arguments.cases.split(",")]
        for case in wanted:
            if case is not UNTHROTTLED and disk is None:
                notes.append(f"{case.name} skipped: {notes[0]}")
                continue
            measure(models, case, disk, arguments, samples)
    document = {
        "bench": "load",
        "machine": machine(),
        "rows": samples.rows(),
        "notes": notes,
        "seconds": time.monotonic() - started,
    }
    print(table(document))
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(document, indent=1) + "\n")
    return 0


def make_models(folder: Path, layers: int | None) -> Models:
    source = make_model(folder / "base", layers=layers)
    models = Models(source, make_pickle(source, folder / "pickle"), folder / "artifacts")
    say("making the copy")
    residency = Residency(torch.device("cpu"), models.artifacts)
    residency.base(ModelFiles(source.name, None, source, "folder"), SilentReport())
    return models


def measure(
    models: Models, case: Throttle, disk: SlowDisk | None, arguments: argparse.Namespace, samples: Samples
) -> None:
    """All arms from one disk, the repeats one after the other."""
    for repeat in range(arguments.repeats):
        with _throttled(disk, case) as join:
            rate = models.artifact.stat().st_size / _run("read-only", models, join)["seconds"]
            for arm in ARMS:
                if arm in QUANTIZING and ((repeat > 0 and case is not UNTHROTTLED) or arguments.quick):
                    continue
                answer = _run(arm, models, join)
                samples.add(arm, case.name, "seconds", answer["seconds"])
                samples.add(arm, case.name, "limit_seconds", models.bytes_of(arm) / rate)
                samples.add(arm, case.name, "anonymous_growth_bytes", answer["anonymous_growth_bytes"])
                if "resident_seconds" in answer:
                    samples.add("ours-resident", case.name, "seconds", answer["resident_seconds"])
                warm = f" (warm: {', '.join(answer['warm_files'])})" if answer["warm_files"] else ""
                say(f"{case.name} {repeat + 1}/{arguments.repeats} {arm}: {answer['seconds']:.2f} s, "
                     f"limit {models.bytes_of(arm) / rate:.2f} s{warm}")  # fmt: skip


def _run(arm: str, models: Models, join: Callable[[], None] | None) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.load_arms", arm, str(models.of(arm)), str(models.artifacts)]
    done = subprocess.run(
        command,
        cwd=PROJECT_ROOT,
        env=os.environ | {"PYTHONPATH": str(PROJECT_ROOT), "HF_HUB_OFFLINE": "1"},
        preexec_fn=join,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        raise SystemExit(f"{arm} failed:\n{done.stderr[-3000:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


@contextmanager
def _disk(folder: Path, notes: list[str]) -> Iterator[SlowDisk | None]:
    """A disk of its own, or None and the reason in `notes`."""
    manager = slow_disk(folder, DISK_BYTES)
    try:
        disk = manager.__enter__()
    except NoSlowDisk as reason:
        notes.append(str(reason))
        yield None
        return
    try:
        yield disk
    finally:
        manager.__exit__(None, None, None)


def _throttled(disk: SlowDisk | None, case: Throttle) -> AbstractContextManager[Callable[[], None] | None]:
    @contextmanager
    def joining() -> Iterator[Callable[[], None]]:
        assert disk is not None
        with disk.throttled(case) as processes:
            yield lambda: _join(processes)

    return nullcontext(None) if disk is None or case is UNTHROTTLED else joining()


def _join(processes: Path) -> None:
    processes.write_text(str(os.getpid()))


def table(document: dict[str, Any]) -> str:
    """One row an arm and disk: median, spread, and how many times the limit."""
    rows = {(row["arm"], row["case"], row["metric"]): row for row in document["rows"]}
    lines = ["", f"{'disk':12} {'arm':20} {'seconds':>9} {'min':>8} {'max':>8} {'limit':>8} {'× limit':>8}"]
    for (arm, case, metric), row in rows.items():
        if metric != "seconds":
            continue
        limit = rows.get((arm, case, "limit_seconds"))
        times = (
            f"{limit['median']:8.2f} {row['median'] / limit['median']:8.2f}"
            if limit
            else f"{'-':>8} {'-':>8}"
        )
        lines.append(f"{case:12} {arm:20} {row['median']:9.2f} {row['min']:8.2f} {row['max']:8.2f} {times}")
    return "\n".join([*lines, *document["notes"], f"{document['seconds']:.0f} s in all"])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./tunedock bench load", description=main.__doc__)
    parser.add_argument("--json", metavar="FILE", help="write the rows to FILE")
    parser.add_argument("--repeats", type=int, default=3, metavar="N")
    parser.add_argument("--cases", metavar="NAME,…", help=", ".join(case.name for case in CASES))
    parser.add_argument("--scratch", default=str(PROJECT_ROOT / "data" / "bench"), metavar="FOLDER")
    parser.add_argument("--layers", type=int, metavar="N", help="fewer than 30 for a quick try")
    parser.add_argument("--quick", action="store_true", help="without the arms that quantize")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
