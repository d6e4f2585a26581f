"""Thousands of jobs through one store: what each costs, and which the sweep then removes.

`python -m tests.worker.many_jobs 5000 50` prints it for that many short and long jobs, under the memory
limit, the rule and the sweep that are delivered; only the training itself is left out.
"""

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from services.worker.process.journal import Journal
from services.worker.process.sweeper import Sweeper
from shared.job_folder import JobFolder
from shared.job_records import WorkerEvent
from shared.keeper_store import KeeperStore
from shared.live_events import LIVE
from shared.settings import Settings
from shared.store_configuration import store_configuration
from shared.worker_store import WorkerStore
from tests.ledger import claim_next, submit
from tests.valkey import Valkey

MESSAGES = 10
LONG_STEPS = 5000
STEP = {
    "train_loss": 0.7234,
    "learning_rate": 1e-4,
    "grad_norm": 0.5,
    "step_seconds": 1.25,
    "eta_seconds": 12.5,
}
RESULT = {
    "train_loss": 0.5,
    "plan": {"tokens_per_micro_batch": 1024},
    "manifest_sha256": "a" * 64,
    "why": "w" * 300,
}
SETTINGS_OF_OURS = ("maxmemory", "stream-", "hash-")


@dataclass(frozen=True)
class Seen:
    """Bytes of the store's memory a job of either length, and what the sweep did."""

    short_job_bytes: float
    long_job_bytes: float
    used_bytes: int
    limit_bytes: int
    sweep_seconds: float
    oldest_gone_and_no_other: bool
    folders_agree: bool


def start_store(folder: Path) -> Valkey:
    """A server with the limits of ours, but without fsync, which would take all the time."""
    text = store_configuration(host="127.0.0.1", port=1, password="x", folder=folder)
    own = [f"--{line}".split(" ") for line in text.splitlines() if line.startswith(SETTINGS_OF_OURS)]
    return Valkey(folder).start("--appendfsync", "no", *(word for words in own for word in words))


def run_job(store: WorkerStore, data: Path, steps: int) -> str:
    """One job as API and worker leave it, its steps in the journal."""
    job_id = submit(store).id
    folder = data / "jobs" / job_id
    (folder / "rows").mkdir(parents=True)
    (folder / "spec.json").write_text("{}")
    (folder / "accepted").touch()
    claim, journal = claim_next(store), Journal(JobFolder(folder).attempt(1).journal)
    for first in range(0, MESSAGES + steps, 100):
        some = [event(number) for number in range(first, min(first + 100, MESSAGES + steps))]
        for one in some:
            journal.append(one)
        assert store.record_events(claim, some) == "ok"
    assert store.finish(claim, "succeeded", message="Done", result=RESULT) == "ok"
    return job_id


def event(index: int) -> WorkerEvent:
    """The messages of a job come first, then its steps."""
    if index < MESSAGES:
        return WorkerEvent(index + 1, "info", "message", f"Something worth knowing, {index}", {}, 1e9)
    step = index - MESSAGES + 1
    return WorkerEvent(index + 1, "info", "metrics", f"Step {step}", STEP, 1e9, is_in_journal=True)


def many_jobs(folder: Path, *, short: int, long: int, keep: int) -> Seen:
    """Run so many jobs, short ones first, then sweep with `TUNEDOCK_KEEP_JOBS=keep`."""
    data = folder / "data"
    (folder / "valkey").mkdir(parents=True)
    server = start_store(folder / "valkey")
    try:
        store = WorkerStore.connect(server.url)
        run_job(store, data, 3)  # what the first one costs besides: scripts, indexes, counters
        used = [used_bytes(store)]
        job_ids = [run_job(store, data, 3) for _ in range(short)]
        used.append(used_bytes(store))
        job_ids += [run_job(store, data, LONG_STEPS) for _ in range(long)]
        used.append(used_bytes(store))
        keeper, started = KeeperStore.of(store), time.monotonic()
        Sweeper(Settings(data_dir=data, keep_jobs=keep), keeper).sweep()
        seconds = time.monotonic() - started
        left = {job.id for job in keeper.ended_jobs()}
        folders = {path.name for path in (data / "jobs").iterdir()}
        limit_bytes = store.census().memory_bytes[1]
    finally:
        server.kill()
    return Seen(
        short_job_bytes=(used[1] - used[0]) / max(1, short),
        long_job_bytes=(used[2] - used[1]) / max(1, long),
        used_bytes=used[2],
        limit_bytes=limit_bytes,
        sweep_seconds=seconds,
        oldest_gone_and_no_other=left == set(job_ids[-keep:]),
        folders_agree=folders == left,
    )


def used_bytes(store: WorkerStore) -> int:
    """Without the stream of live events, which is bounded however many jobs there are."""
    live = store._redis.memory_usage(LIVE, samples=0) or 0
    return store.census().memory_bytes[0] - live


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("short", type=int)
    parser.add_argument("long", type=int)
    parser.add_argument("--keep", type=int, default=Settings().keep_jobs)
    words = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        print(many_jobs(Path(name), short=words.short, long=words.long, keep=words.keep))
