"""A worker's whole life with a job whose store refuses, is silent or breaks off at each of its moments."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from services.worker.process import insist, lifeline, work
from services.worker.process.janitor import Janitor
from services.worker.process.journal import Journal
from services.worker.process.ownership import DeviceOwnership
from services.worker.process.runner import Runner
from services.worker.process.sweeper import Sweeper
from services.worker.running_job import RunningJob, WorkerDraining
from shared.event_log import EventLog
from shared.job_folder import JobFolder
from shared.job_records import WorkerEvent
from shared.keeper_store import KeeperStore
from shared.messages.message import say, stored
from shared.queue import Doorbell
from shared.settings import Settings
from shared.store_link import store_client
from shared.worker_store import WorkerStore
from tests.ledger import claim_next, submit
from tests.store_gate import WIRE_TROUBLES, StoreGate, WireTrouble, store_gate
from tests.valkey import Valkey

STEPS = 4
# As the gate names the requests of a worker that takes over from a dead one, in their order.
MOMENTS = {"recover", "claim", "HMGET", "HGET", "record_events", "beat", "checkpoint", "publish", "finish"}
TIMES = 3  # that each of them meets a trouble, so that asking again meets it, too
LASTING = ("full", "loading", "silent_when_done")
troubles = pytest.mark.parametrize("trouble", WIRE_TROUBLES, ids=lambda trouble: trouble.name)


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreGate]:
    """Before a store that brings nothing to disk, to be quick."""
    valkey = Valkey(tmp_path_factory.mktemp("valkey")).start("--appendonly", "no")
    with store_gate(valkey.port) as gate:
        yield gate
    valkey.kill()


@pytest.fixture
def behind(gate: StoreGate) -> WorkerStore:
    """The store without the gate, and without a job."""
    gate.heal()
    store = WorkerStore.connect(f"redis://127.0.0.1:{gate.behind}/0", timeout_seconds=5)
    store._redis.flushall()
    return store


@pytest.fixture
def store(gate: StoreGate, behind: WorkerStore) -> WorkerStore:
    """The store behind the gate, as the worker sees it."""
    return WorkerStore(store_client(gate.url, timeout_seconds=0.1))


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(insist, "ASK_AGAIN_SECONDS", 0.01)
    monkeypatch.setattr(lifeline, "SEND_SECONDS", 0.01)


def train(claim: object, settings: Settings, residency: object, job: RunningJob) -> dict[str, Any]:
    for step in range(1, STEPS + 1):
        job.progress("training", step=step)
        job.event(said(step), type="metrics", data={"step": step})
        job.checkpoint(step)
        time.sleep(0.01)
    job.publish()
    return {"steps": STEPS}


def said(step: int) -> Any:
    return say("step-done-without-loss", step=step, total_steps=STEPS)


def dead_attempt(store: WorkerStore, data_dir: Path) -> str:
    """A job whose first attempt died before it could send what it had written down."""
    job_id = submit(store).id
    claim_next(store)
    journal = Journal(JobFolder.of(data_dir, job_id).attempt(1).journal)
    journal.append(WorkerEvent(1, "info", "message", stored(say("job-cancelled")), {}, 1.0))
    return job_id


def take_over(store: WorkerStore, data_dir: Path) -> Runner:
    settings = Settings(data_dir=data_dir, worker_host="a", heartbeat_seconds=0.05)
    ownership = DeviceOwnership(data_dir / "lock", store, host="a", crash_limit=3)
    ownership.take()
    return Runner(settings, store, ownership, torch.device("cpu"))


@troubles
def test_a_job_succeeds_once_with_all_its_events_whatever_the_store_does_at_each_moment(
    trouble: WireTrouble,
    gate: StoreGate,
    behind: WorkerStore,
    store: WorkerStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(work, "do", train)
    job_id = dead_attempt(behind, tmp_path)
    gate.disturb_each(trouble, times=TIMES)
    take_over(store, tmp_path).run_waiting()
    assert set(gate.passed) >= MOMENTS
    record = behind.get(job_id)
    assert (record.status, record.attempt, record.result) == ("succeeded", 2, {"steps": STEPS})
    assert behind.ended() == [(job_id, "succeeded")]
    events = list(EventLog(behind, tmp_path).newest_first(job_id))[::-1]
    assert [event.data["step"] for event in events if event.type == "metrics"] == list(range(1, STEPS + 1))
    assert sum("cancelled" in event.message for event in events) == 1  # the dead attempt's, replayed


@troubles
def test_a_job_that_is_handed_back_amid_a_trouble_waits_again_and_counts_no_crash(
    trouble: WireTrouble,
    gate: StoreGate,
    behind: WorkerStore,
    store: WorkerStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(*_: object) -> None:
        raise WorkerDraining

    monkeypatch.setattr(work, "do", interrupted)
    job_id = submit(behind).id
    runner = take_over(store, tmp_path)
    claim = runner._claim()
    gate.disturb_each(trouble, times=TIMES, only="release")
    runner.run(claim)  # type: ignore[arg-type]
    assert behind.get(job_id).status == "queued"
    assert behind._redis.hget(f"tunedock:job:{job_id}", "crashes") is None


@pytest.mark.parametrize(
    "trouble", [trouble for trouble in WIRE_TROUBLES if trouble.name in LASTING], ids=LASTING
)
def test_a_trouble_that_lasts_ends_in_waiting_and_not_in_failure(
    trouble: WireTrouble,
    gate: StoreGate,
    behind: WorkerStore,
    store: WorkerStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its result can't be published for thirty tries, or eight that wait for an answer."""
    monkeypatch.setattr(work, "do", train)
    job_id = submit(behind).id
    runner = take_over(store, tmp_path)
    gate.disturb_each(trouble, times=30 if trouble.reply else 8, only="publish")
    runner.run_waiting()
    assert behind.get(job_id).status == "succeeded"


@troubles
def test_janitor_and_sweeper_outlive_a_trouble_at_each_of_their_requests(
    trouble: WireTrouble, gate: StoreGate, behind: WorkerStore, store: WorkerStore, tmp_path: Path
) -> None:
    for name in ("jobs", "files"):
        (tmp_path / name).mkdir()
    settings = Settings(data_dir=tmp_path, lease_seconds=0.01, reap_grace_seconds=0.01)
    doorbell = Doorbell(f"redis://127.0.0.1:{gate.behind}/0")
    sweeper = Sweeper(settings, KeeperStore.of(store))
    waiting = submit(behind).id
    behind.worker_beat("worker", {"device": "cpu"})
    for first in (1, 2, 3, 4, 6, 9, 15):
        janitor = Janitor(settings, store, doorbell)
        janitor._store_answers_since = 0
        gate.disturb(trouble, first=first)
        janitor.round()
        swept = sweeper.sweep()
        assert swept == (len(gate.passed) < first)
    gate.heal()
    assert sweeper.sweep()
    assert behind.get(waiting).status == "queued"
