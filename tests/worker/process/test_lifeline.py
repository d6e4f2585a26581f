"""The lifeline against a real store: what a job says arrives once and in order, and orders reach the job."""

import json
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from services.worker.process.lifeline import Lifeline
from services.worker.running_job import JobCancelled, LeaseLost, StoreLost, WorkerDraining
from shared.event_log import EventLog
from shared.job_folder import JobFolder
from shared.job_records import Claim, WorkerEvent
from shared.journal import journal_events
from shared.messages.message import Message, say
from shared.messages.render import shown
from shared.worker_store import WorkerStore
from tests.killed_threads import kill_thread
from tests.ledger import claim_next, submit
from tests.valkey import Valkey


def said(text: str) -> Message:
    return say("sentences", sentences=[text])


@pytest.fixture
def claim(store: WorkerStore) -> Claim:
    submit(store)
    return claim_next(store)


@pytest.fixture
def lifeline(store: WorkerStore, claim: Claim, tmp_path: Path) -> Lifeline:
    return Lifeline(
        store,
        claim,
        journal=JobFolder(tmp_path / "jobs" / claim.job_id).attempt(1).journal,
        lease_seconds=45,
        heartbeat_seconds=0.2,
        stall_seconds=60,
        draining=lambda: (tmp_path / "drain").exists(),
    )


def keep_training(lifeline: Lifeline) -> None:
    for step in range(200):
        lifeline.progress("training", step=step)
        time.sleep(0.05)
    pytest.fail("nothing stopped the job within 10 s")


def test_progress_events_and_the_end_arrive_in_order(
    lifeline: Lifeline, store: WorkerStore, claim: Claim, tmp_path: Path
) -> None:
    with lifeline:
        for step in range(250):
            lifeline.progress("training", step=step)
            lifeline.event(said(f"step {step}"), type="metrics", data={"step": step})
        assert lifeline.end("succeeded", message=said("Done"), result={"steps": 250}) == "ok"
    messages = [shown(event.message) for event in EventLog(store, tmp_path).newest_first(claim.job_id)]
    assert messages[::-1] == [
        "The job is accepted and queued.",
        "The job started.",
        *(f"step {step}" for step in range(250)),
        "Done",
    ]


def test_a_cancel_is_raised_in_the_job_and_publishing_is_refused(
    lifeline: Lifeline, store: WorkerStore, claim: Claim
) -> None:
    with lifeline:
        store.cancel(claim.job_id)
        with pytest.raises(JobCancelled):
            keep_training(lifeline)
        with pytest.raises(JobCancelled):
            lifeline.publish()
        assert lifeline.end("cancelled", message=said("Cancelled")) == "ok"


def test_a_fenced_attempt_is_told_so(lifeline: Lifeline, store: WorkerStore, claim: Claim) -> None:
    with lifeline:
        store.recover(host="a", boot="2", crash_limit=3)
        store.claim(host="a", boot="2", nonce="m", lease_seconds=45)
        with pytest.raises(LeaseLost):
            keep_training(lifeline)
        with pytest.raises(LeaseLost):
            lifeline.publish()
    assert store.get(claim.job_id).status == "running"


def test_a_draining_worker_interrupts_its_job(lifeline: Lifeline, tmp_path: Path) -> None:
    with lifeline:
        lifeline.progress("training")
        (tmp_path / "drain").touch()
        with pytest.raises(WorkerDraining):
            lifeline.progress("training")
        lifeline.checkpoint(3)
        assert lifeline.release() == "ok"


def test_a_full_store_keeps_the_lease_and_brings_the_users_cancel(
    lifeline: Lifeline, store: WorkerStore, claim: Claim
) -> None:
    admin: Any = store._redis
    with lifeline:
        admin.config_set("maxmemory", 1)
        lease_ends = admin.zscore("tunedock:running", claim.job_id)
        for number in range(5):
            lifeline.event(said(f"step {number}"), type="metrics")
        time.sleep(1.2)
        assert admin.zscore("tunedock:running", claim.job_id) > lease_ends
        store.cancel(claim.job_id)
        with pytest.raises(JobCancelled):
            keep_training(lifeline)
        admin.config_set("maxmemory", 0)
        assert lifeline.end("cancelled", message=said("Cancelled")) == "ok"


@pytest.mark.parametrize("how", ["killed", "frozen"])
def test_a_drain_without_a_store_ends_within_ten_seconds(
    lifeline: Lifeline, valkey: Valkey, tmp_path: Path, how: str
) -> None:
    with ExitStack() as later, lifeline:
        if how == "killed":
            valkey.kill()
        else:
            later.enter_context(valkey.frozen())
        lifeline.event(said("said to nobody"))
        (tmp_path / "drain").touch()
        with pytest.raises(WorkerDraining):
            lifeline.progress("training")
        lifeline.checkpoint(3)
        started = time.monotonic()
        with pytest.raises(StoreLost):
            lifeline.release()
        assert time.monotonic() - started < 8
    assert time.monotonic() - started < 10


def test_a_store_that_comes_back_during_a_drain_gets_the_job_back(
    lifeline: Lifeline, store: WorkerStore, claim: Claim, valkey: Valkey, tmp_path: Path
) -> None:
    with lifeline:
        valkey.kill()
        (tmp_path / "drain").touch()
        back = threading.Timer(1.5, valkey.start)
        back.start()
        assert lifeline.release() == "ok"
        back.join()
    assert store.get(claim.job_id).status == "queued"


def test_a_job_goes_on_while_the_store_is_away_and_nothing_it_said_is_lost(
    lifeline: Lifeline, store: WorkerStore, claim: Claim, valkey: Valkey, tmp_path: Path
) -> None:
    with lifeline:
        lifeline.event(said("before"))
        valkey.kill()
        started = time.monotonic()
        for number in range(20):
            lifeline.event(said(f"away {number}"))
        assert time.monotonic() - started < 1
        valkey.start()
        assert lifeline.end("succeeded", message=said("Done"), result={}) == "ok"
    messages = [shown(event.message) for event in reversed(store.events(claim.job_id).events)]
    assert messages[2:] == ["before", *(f"away {number}" for number in range(20)), "Done"]
    journal = journal_events(JobFolder(tmp_path / "jobs" / claim.job_id).attempt(1).journal)
    assert [shown(event.message) for event in journal] == messages[2:-1]


def test_what_a_dead_attempt_wrote_down_is_recorded_by_the_next_one_and_only_once(
    lifeline: Lifeline, store: WorkerStore, claim: Claim, tmp_path: Path
) -> None:
    lines: list[dict[str, Any]] = [
        {"number": number, "level": "info", "type": "message", "message": f"old {number}", "data": {}}
        for number in (1, 2, 3)
    ]
    store.record_events(claim, [WorkerEvent(**lines[0])])
    journal = tmp_path / "journal.jsonl"
    journal.write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"number": 4, "lev')
    store.recover(host="a", boot="2", crash_limit=3)
    again = store.claim(host="a", boot="2", nonce="m", lease_seconds=45)
    assert isinstance(again, Claim)
    lifeline.claim = again
    with lifeline:
        for _ in range(2):
            lifeline.replay(1, journal)
        lifeline.event(said("new"))
        lifeline.end("succeeded", message=said("Done"))
    told = [shown(event.message) for event in reversed(store.events(claim.job_id).events)]
    assert [message for message in told if message.startswith(("old", "new"))] == [
        "old 1",
        "old 2",
        "old 3",
        "new",
    ]


def test_a_full_disk_costs_the_journal_and_not_the_job(
    lifeline: Lifeline, store: WorkerStore, claim: Claim, tmp_path: Path
) -> None:
    journal = JobFolder(tmp_path / "jobs" / claim.job_id).attempt(1).journal
    journal.unlink(missing_ok=True)
    journal.symlink_to("/dev/full")
    with lifeline:
        lifeline.event(said("said on a full disk"))
        assert lifeline.end("succeeded", message=said("Done")) == "ok"
    assert "said on a full disk" in [shown(event.message) for event in store.events(claim.job_id).events]
    assert store.get(claim.job_id).status == "succeeded"


def test_a_later_stage_keeps_the_numbers_of_the_last_step(
    lifeline: Lifeline, store: WorkerStore, claim: Claim
) -> None:
    with lifeline:
        lifeline.progress("training", step=3, total_steps=3, loss=0.5)
        lifeline.progress("publishing")
        deadline = time.monotonic() + 10
        while store.get(claim.job_id).progress.stage != "publishing":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        progress = store.get(claim.job_id).progress
    assert (progress.step, progress.total_steps, progress.loss) == (3, 3, 0.5)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_lifeline_whose_thread_is_killed_still_brings_the_users_cancel(
    lifeline: Lifeline, store: WorkerStore, claim: Claim
) -> None:
    with lifeline:
        killed = lifeline._thread.ident
        kill_thread(killed)
        store.cancel(claim.job_id)
        with pytest.raises(JobCancelled):
            keep_training(lifeline)
        assert lifeline._thread.ident != killed
        assert lifeline.end("cancelled", message=said("Cancelled")) == "ok"
