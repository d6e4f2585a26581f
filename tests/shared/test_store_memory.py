"""What a job costs the store's memory, on a server configured as ours: the same however long it trained."""

from pathlib import Path
from typing import Any

import pytest

from shared.job_records import WorkerEvent
from shared.store_configuration import store_configuration
from shared.worker_store import WorkerStore
from tests.ledger import claim_next, submit
from tests.valkey import Valkey

JOB_BYTES = 6_000
LIVE_BYTES = 3_000_000
RESULT = {"fine_tuned_model": "ft:tiny:x", "phase_seconds": {"forward": 1.23}, "why": "w" * 600}


@pytest.fixture
def store(tmp_path: Path) -> Any:
    text = store_configuration(host="127.0.0.1", port=1, password="x", folder=tmp_path)
    sizes = [f"--{line}".split(" ") for line in text.splitlines() if line.startswith(("stream-", "hash-"))]
    assert sizes
    server = Valkey(tmp_path).start("--appendfsync", "no", *(word for size in sizes for word in size))
    yield WorkerStore.connect(server.url)
    server.kill()


def run_job(store: WorkerStore, steps: int) -> str:
    submit(store)
    claim = claim_next(store)
    data = {"train_loss": 0.7234, "phase_seconds": {"forward": 0.4123, "backward": 0.71}, "eta_seconds": 12.5}
    for first in range(1, steps + 1, 100):
        numbers = range(first, min(first + 100, steps + 1))
        events = [
            WorkerEvent(number, "info", "metrics", f"Step {number}", data, 1e9, is_in_journal=True)
            for number in numbers
        ]
        store.record_events(claim, events)
    store.beat(claim, lease_seconds=45, progress={"stage": "training", "step": steps})
    store.finish(claim, "succeeded", message="Done", result=RESULT)
    return claim.job_id


def used_bytes(store: WorkerStore) -> int:
    info: Any = store._redis.info("memory")
    return int(info["used_memory"])


def test_a_job_costs_the_store_the_same_however_many_steps_it_took(store: WorkerStore) -> None:
    run_job(store, 5500)  # the events of all jobs, which whoever listens reads, are as many as they will be
    before = used_bytes(store)
    for _ in range(50):
        run_job(store, 10)
    short = used_bytes(store) - before
    before = used_bytes(store)
    for _ in range(5):
        run_job(store, 3000)
    long = used_bytes(store) - before
    assert short / 50 < JOB_BYTES
    assert long / 5 < JOB_BYTES


def test_the_events_of_all_jobs_take_some_megabytes_and_no_more(store: WorkerStore) -> None:
    for _ in range(3):
        run_job(store, 3000)
    redis: Any = store._redis
    assert 5000 <= redis.xlen("tunedock:live") < 5200
    assert redis.memory_usage("tunedock:live", samples=0) < LIVE_BYTES


def test_a_running_job_keeps_a_short_tail_only(store: WorkerStore) -> None:
    submit(store)
    claim = claim_next(store)
    for number in range(1, 2001):
        event = WorkerEvent(number, "info", "metrics", "s" * 300, {}, 1e9, is_in_journal=True)
        store.record_events(claim, [event])
    assert len(store.events(claim.job_id, limit=1000).events) < 200


def test_nothing_but_records_grows_with_the_number_of_jobs(store: WorkerStore) -> None:
    jobs = [submit(store).id for _ in range(5)]
    for _ in range(1100):
        store.cancel(jobs[0])
        jobs = [*jobs[1:], submit(store).id]
    for job_id in jobs:
        store.cancel(job_id)
    redis: Any = store._redis
    assert len(store.ended()) == 1000
    assert store.ended()[-1] == (jobs[-1], "cancelled")
    families = {key.split(":")[1] for key in redis.scan_iter("*", count=1000)}
    assert families == {"job", "events", "recent", "index", "ended", "counters", "number", "live"}
    assert all(redis.ttl(key) > 0 for key in redis.scan_iter("tunedock:recent:*", count=1000))
