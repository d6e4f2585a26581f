"""Every remedy on throttled disks: the load that was predicted beside the one that was measured.

python -m tests.worker.predicted_loads FOLDER [--layers N]    (root; about 10 minutes on two cores)

The model lies in a hub cache on a disk of its own that the kernel throttles; the prepared copy goes to the
same disk, the cache is moved to FOLDER's. Exits 1 where a prediction is off by more than a fifth.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.slow_disk import SlowDisk, Throttle, slow_disk
from bench.weights import make_model
from shared.settings import PROJECT_ROOT

DISKS = {
    "150MBps": Throttle(bytes_per_second=150_000_000),
    "500MBps": Throttle(bytes_per_second=500_000_000),
    "400iops": Throttle(reads_per_second=400),
}
NAME, COMMIT = "org/model", "a" * 40
REMEDIES: tuple[dict[str, Any], ...] = ({"warm_page_cache": True}, {"move_cache_to": "elsewhere"})
LARGEST_ERROR = 0.2
ROW = "{:9} {:16} {:>8} {:>10} {:>9} {:>7} {:>7}"


def main(folder: Path, layers: int | None) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    worst = 0.0
    with TemporaryDirectory(dir=folder) as name, slow_disk(Path(name), 16_000_000_000) as disk:
        lay_out(disk.folder / "hub", layers)
        print(ROW.format("disk", "remedy", "before", "predicted", "measured", "error", "limit"))
        for case, throttle in DISKS.items():
            for remedy in REMEDIES:
                for applied in prepared(disk, throttle, Path(name) / "elsewhere", remedy):
                    error = applied["measured_seconds"] / applied["predicted_seconds"] - 1
                    worst = max(worst, abs(error))
                    seconds = (
                        applied[f"{name}_seconds"] for name in ("before", "predicted", "measured", "limit")
                    )
                    before, predicted, measured, limit = (f"{value or 0:.2f}" for value in seconds)
                    row = (
                        case,
                        applied["remedy"],
                        before,
                        predicted,
                        measured,
                        f"{error:+.1%}",
                        limit,
                    )
                    print(ROW.format(*row), flush=True)
    return 0 if worst <= LARGEST_ERROR else 1


def lay_out(hub: Path, layers: int | None) -> None:
    """A bfloat16 checkpoint as the hub's client keeps it, without blobs."""
    repository = hub / f"models--{NAME.replace('/', '--')}"
    make_model(repository / "snapshots" / COMMIT, layers=layers)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(COMMIT)


def prepared(
    disk: SlowDisk, throttle: Throttle, elsewhere: Path, request: dict[str, Any]
) -> list[dict[str, Any]]:
    """What a preparation applied, run in a process whose reads of the disk are throttled."""
    data = disk.folder / "data"
    shutil.rmtree(data, ignore_errors=True)
    shutil.rmtree(elsewhere, ignore_errors=True)
    elsewhere.mkdir()
    with disk.throttled(throttle) as processes:
        done = subprocess.run(
            [sys.executable, "-m", "tests.worker.predicted_loads", "--prepare", json.dumps(request)],
            cwd=PROJECT_ROOT,
            env=os.environ
            | {
                "HF_HUB_CACHE": str(disk.folder / "hub"),
                "HF_HUB_OFFLINE": "1",
                "TUNEDOCK_DATA_DIR": str(data),
                "TUNEDOCK_MODELS_DIR": str(disk.folder / "models"),
                "TUNEDOCK_STORAGES": f"elsewhere={elsewhere}",
            },
            preexec_fn=lambda: _join(processes),
            capture_output=True,
            text=True,
        )
    if done.returncode != 0:
        raise SystemExit(done.stderr[-3000:])
    applied = json.loads(done.stdout.splitlines()[-1])
    return [remedy for remedy in applied if remedy["predicted_seconds"] and remedy["measured_seconds"]]


def prepare_once(fields: dict[str, Any]) -> None:
    """In the throttled process: prepare the model as a worker does, and print what was applied."""
    import torch

    from services.worker.models.residency import Residency
    from services.worker.preparing.prepare import prepare
    from services.worker.running_job import NoJob
    from shared.schemas.requests import ModelPreparationRequest
    from shared.settings import Settings

    settings = Settings.from_environment()
    request = ModelPreparationRequest.model_validate({"model": NAME, **fields})
    residency = Residency(torch.device("cpu"), settings.data_dir / "models")
    done, _ = prepare(request, settings=settings, residency=residency, job=NoJob())
    print(done.text, file=sys.stderr)
    print(json.dumps([remedy.model_dump() for remedy in done.applied]))


def _join(processes: Path) -> None:
    processes.write_text(str(os.getpid()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--layers", type=int)
    parser.add_argument("--prepare", type=json.loads)
    arguments = parser.parse_args()
    if arguments.prepare is not None:
        prepare_once(arguments.prepare)
    else:
        sys.exit(main(arguments.folder, arguments.layers))
