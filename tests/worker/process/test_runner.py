"""The runner on a real store: a lost reply costs no attempt; the copy on disk says what the record says."""

import json
import re
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import redis
import torch
from tokenizers import Tokenizer

from services.worker.process import work
from services.worker.process.ownership import DeviceOwnership
from services.worker.process.paths import drain_order, handover
from services.worker.process.runner import Runner
from services.worker.running_job import RunningJob, WorkerDraining
from services.worker.training.checkpoints import CheckpointFolder, Snapshot
from shared.errors import StoreUnavailable
from shared.event_log import EventLog
from shared.job_folder import JobFolder
from shared.job_records import Claim
from shared.messages.message import say
from shared.settings import Settings
from shared.worker_store import WorkerStore
from tests.ledger import submit
from tests.store_troubles import TROUBLES, Trouble
from tests.valkey import Valkey


class LosesTheFirstReply(WorkerStore):
    """The real store behind a connection that breaks once, after the store has done what it was asked."""

    lost = False

    def claim(self, **arguments: Any) -> Claim | float | None:
        answer = super().claim(**arguments)
        if not self.lost:
            self.lost = True
            raise StoreUnavailable("the reply was lost")
        return answer


@pytest.fixture
def store(valkey: Valkey) -> WorkerStore:
    return LosesTheFirstReply.connect(valkey.url)


@pytest.fixture(autouse=True)
def job_id(store: WorkerStore) -> str:
    """A job that waits."""
    return submit(store).id


@pytest.fixture
def runner(store: WorkerStore, tmp_path: Path) -> Runner:
    ownership = DeviceOwnership(tmp_path / "lock", store, host="a", crash_limit=3)
    return Runner(Settings(data_dir=tmp_path / "data"), store, ownership, torch.device("cpu"))


def test_a_claim_whose_reply_was_lost_is_the_same_claim_when_asked_again(
    runner: Runner, store: WorkerStore, job_id: str
) -> None:
    claim = runner._claim()
    assert isinstance(claim, Claim)
    assert (claim.job_id, claim.attempt) == (job_id, 1)
    assert store.get(job_id).attempt == 1


def test_a_job_that_was_cancelled_before_it_ended_is_cancelled_on_disk_too(
    runner: Runner, store: WorkerStore, job_id: str, tmp_path: Path
) -> None:
    claim = runner._claim()
    assert isinstance(claim, Claim)
    store.cancel(job_id)
    with runner._lifeline(claim) as lifeline:
        runner._end(lifeline, "succeeded", say("job-succeeded"), result={"steps": 1})
    copy = json.loads((tmp_path / "data" / "jobs" / job_id / "result.json").read_text())
    assert (store.get(job_id).status, copy["status"]) == ("cancelled", "cancelled")
    assert "result" not in copy


def test_a_cancel_that_came_before_a_published_adapter_was_found_leaves_none(
    runner: Runner, store: WorkerStore, job_id: str, tmp_path: Path
) -> None:
    claim = runner._claim()
    assert isinstance(claim, Claim)
    adapter = JobFolder.of(tmp_path / "data", job_id).adapter
    adapter.mkdir(parents=True)
    store.cancel(job_id)
    with runner._lifeline(claim) as lifeline:
        runner._end(lifeline, "succeeded", say("job-succeeded"), result={"steps": 1})
    assert store.get(job_id).status == "cancelled"
    assert not adapter.exists()


def test_a_job_that_succeeded_keeps_no_optimizer_state(runner: Runner, job_id: str, tmp_path: Path) -> None:
    claim = runner._claim()
    assert isinstance(claim, Claim)
    folder = tmp_path / "data" / "jobs" / job_id
    tensors = {"lora_A": torch.zeros(2, 2)}
    CheckpointFolder(JobFolder(folder), 1, {}).write(Snapshot(5, tensors, {"exp_avg": torch.zeros(2, 2)}, {}))
    with runner._lifeline(claim) as lifeline:
        runner._end(lifeline, "succeeded", say("job-succeeded"), result={"steps": 5})
    kept = sorted(path.name for path in (folder / "checkpoints" / "step-5").iterdir())
    assert kept == ["adapter_config.json", "adapter_model.safetensors", "manifest.json", "state.json"]


def test_a_library_that_panics_ends_its_job_and_not_the_runner(
    runner: Runner, store: WorkerStore, job_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def panic(*_: object) -> None:
        Tokenizer.from_str(
            '{"version":"1.0","model":{"type":"BPE","vocab":{},"merges":[]},'
            '"normalizer":{"type":"Precompiled","precompiled_charsmap":"AAAA"}}'
        )

    monkeypatch.setattr(work, "do", panic)
    runner.run_waiting()
    record = store.get(job_id)
    assert (record.status, record.error and record.error.code) == ("failed", "internal_error")


def test_the_state_tells_of_the_caches(runner: Runner, tmp_path: Path) -> None:
    runner.tell_state()
    state = json.loads((tmp_path / "data" / "worker" / "worker.state.json").read_text())
    assert state["caches"]["hub"]["path"] == state["hf_cache"]


def test_a_job_left_by_a_drain_without_a_store_is_handed_back_by_the_next_start_and_counts_no_crash(
    runner: Runner,
    store: WorkerStore,
    job_id: str,
    valkey: Valkey,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data_dir, host = tmp_path / "data", "worker"

    def drained(claim: Claim, *_: object) -> None:
        valkey.kill()
        drain_order(data_dir, host).touch()
        raise WorkerDraining

    monkeypatch.setattr(work, "do", drained)
    runner.run_waiting()
    valkey.start()
    assert store.get(job_id).status == "running"
    following = DeviceOwnership(
        tmp_path / "lock", store, host=host, crash_limit=3, handover=handover(data_dir, host)
    )
    assert following.take() == [job_id]
    assert store.get(job_id).status == "queued"
    assert "hands the job back" in store.events(job_id).events[0].message
    assert store._redis.hget(f"tunedock:job:{job_id}", "crashes") is None
    assert handover(data_dir, host).left() is None


def test_who_waits_for_the_device_stops_waiting_when_the_worker_shuts_down(
    store: WorkerStore, tmp_path: Path
) -> None:
    first = DeviceOwnership(tmp_path / "lock", store, host="a", crash_limit=3)
    first.take()
    second = DeviceOwnership(tmp_path / "lock", store, host="a", crash_limit=3, draining=lambda: True)
    with pytest.raises(WorkerDraining):
        second.take()


@pytest.mark.parametrize(("trouble", "said"), TROUBLES, ids=[trouble.__name__ for trouble, _ in TROUBLES])
def test_a_running_job_survives_a_store_that_takes_no_writes(
    runner: Runner,
    store: WorkerStore,
    job_id: str,
    valkey: Valkey,
    monkeypatch: pytest.MonkeyPatch,
    trouble: Trouble,
    said: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    admin = redis.Redis(port=valkey.port, decode_responses=True, single_connection_client=True)
    over = ExitStack()

    def work_through_it(
        claim: Claim, settings: Settings, residency: object, job: RunningJob
    ) -> dict[str, Any]:
        over.enter_context(trouble(valkey, admin))
        for step in range(1, 41):
            job.event(
                say("step-done-without-loss", step=step, total_steps=40), type="metrics", data={"step": step}
            )
            job.progress("training", step=step)
            time.sleep(0.05)
        threading.Timer(1.5, over.close).start()
        job.publish()
        return {"steps": 40}

    monkeypatch.setattr(work, "do", work_through_it)
    runner.run_waiting()
    record = store.get(job_id)
    assert (record.status, record.attempt, record.result) == ("succeeded", 1, {"steps": 40})
    log = EventLog(store, runner._settings.data_dir)
    steps = [event.data["step"] for event in log.newest_first(job_id) if event.type == "metrics"]
    assert steps == list(range(40, 0, -1))
    assert re.search(said, caplog.text)


def test_a_number_that_is_none_costs_neither_events_nor_the_result(
    runner: Runner, store: WorkerStore, job_id: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def measure(claim: Claim, settings: Settings, residency: object, job: RunningJob) -> dict[str, Any]:
        job.event(
            say("validation-loss", step=1, loss="\ud83d"),
            type="metrics",
            data={"step": 1, "validation_loss": float("nan")},
        )
        job.progress("validating", loss=float("inf"))
        return {"losses": [0.5, float("nan")], "steps": 1}

    monkeypatch.setattr(work, "do", measure)
    runner.run_waiting()
    record = store.get(job_id)
    assert (record.status, record.result) == ("succeeded", {"losses": [0.5, None], "steps": 1})
    data_dir = tmp_path / "data"
    events = EventLog(store, data_dir).newest_first(job_id)
    assert ("The validation loss after step 1 is ?.", {"step": 1, "validation_loss": None}) in [
        (event.message, event.data) for event in events
    ]
    assert json.loads((data_dir / "jobs" / job_id / "result.json").read_text())["result"] == record.result
