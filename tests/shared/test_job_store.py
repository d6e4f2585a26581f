"""The job store against a real Valkey: each rule of the state machine, repeats, fences and crashes."""

import time
from pathlib import Path

import pytest

from shared.errors import (
    IdempotencyMismatch,
    InUse,
    InvalidTransition,
    NotFound,
    StoreUnavailable,
    TooManyJobs,
)
from shared.job_records import Claim, WorkerEvent
from shared.jobs import new_job_id
from shared.keeper_store import KeeperStore
from shared.schemas.records import JobRecord
from shared.schemas.requests import FineTuningRequest, LoadDiagnosticRequest
from shared.worker_store import WorkerStore
from tests.valkey import Valkey


def submit(
    store: WorkerStore, *, key: str | None = None, body: str = "body", retry: bool = False
) -> JobRecord:
    request = FineTuningRequest(model="tiny", dataset="spam", metadata={"body": body})
    return store.submit(
        new_job_id("fine_tuning"), request, owner="me", idempotency_key=key, fingerprint=body, is_retry=retry,
        max_queued_jobs=1000,
    ).record  # fmt: skip


def claim(store: WorkerStore, *, host: str = "a", boot: str = "1", nonce: str = "n") -> Claim:
    claimed = store.claim(host=host, boot=boot, nonce=nonce, lease_seconds=45)
    assert isinstance(claimed, Claim)
    return claimed


def test_a_submitted_job_is_queued_and_can_be_read_back(store: WorkerStore) -> None:
    record = submit(store)
    assert (record.status, record.attempt, record.queue_position) == ("queued", 0, 1)
    assert record == store.get(record.id)
    assert [event.message for event in store.events(record.id).events] == ["The job is accepted and queued."]


def test_jobs_are_claimed_in_the_order_they_came_and_end_once(store: WorkerStore) -> None:
    first, second = submit(store), submit(store)
    running = claim(store)
    assert (running.job_id, running.attempt) == (first.id, 1)
    assert store.get(second.id).queue_position == 1
    assert store.finish(running, "succeeded", message="Done", result={"steps": 3}) == "ok"
    assert store.finish(running, "succeeded", message="Done", result={"steps": 3}) == "already"
    assert store.finish(running, "failed", message="No") == "ended"
    assert store.get(first.id).result == {"steps": 3}
    assert store.ended() == [(first.id, "succeeded")]


def test_a_repeated_claim_with_the_same_nonce_costs_no_attempt(store: WorkerStore) -> None:
    submit(store), submit(store)
    assert claim(store, nonce="x") == claim(store, nonce="x")
    assert claim(store, nonce="y").job_id != claim(store, nonce="x").job_id


def test_the_same_idempotency_key_makes_one_job_and_refuses_another_body(store: WorkerStore) -> None:
    first = submit(store, key="k", body="one")
    assert submit(store, key="k", body="one").id == first.id
    with pytest.raises(IdempotencyMismatch):
        submit(store, key="k", body="two")
    assert len(store.list_jobs().records) == 1


def test_a_retry_without_a_key_finds_the_first_job_but_a_new_request_does_not(store: WorkerStore) -> None:
    first = submit(store, body="one")
    assert submit(store, body="one", retry=True).id == first.id
    assert submit(store, body="one").id != first.id
    assert store.find_repeat(owner="me", idempotency_key=None, fingerprint="new", is_retry=True) is None
    assert store.find_repeat(owner="you", idempotency_key=None, fingerprint="one", is_retry=True) is None


def test_a_full_queue_refuses_and_changes_nothing(store: WorkerStore) -> None:
    submit(store)
    with pytest.raises(TooManyJobs, match="1 job is waiting"):
        store.submit(
            "ftjob-x", FineTuningRequest(dataset="d"), owner="me", idempotency_key=None, fingerprint="f",
            is_retry=False, max_queued_jobs=1,
        )  # fmt: skip
    with pytest.raises(NotFound):
        store.get("ftjob-x")


def test_a_cancelled_queued_job_never_starts(store: WorkerStore) -> None:
    record = submit(store)
    assert store.cancel(record.id).status == "cancelled"
    assert store.cancel(record.id).status == "cancelled"
    assert store.claim(host="a", boot="1", nonce="n", lease_seconds=45) is None
    assert store.ended() == [(record.id, "cancelled")]


def test_a_cancel_reaches_the_worker_with_its_next_beat(store: WorkerStore) -> None:
    record = submit(store)
    running = claim(store)
    assert store.beat(running, lease_seconds=45, progress={"stage": "training", "step": 1}) == "ok"
    assert store.cancel(record.id).status == "cancelling"
    assert store.beat(running, lease_seconds=45, progress=None) == "cancel"
    assert store.publish(running) == "cancel"
    assert store.finish(running, "succeeded", message="Done") == "cancel"
    assert store.finish(running, "failed", message="Broke") == "cancel"
    assert store.finish(running, "cancelled", message="Cancelled") == "ok"
    assert store.get(record.id).progress.step == 1


def test_a_cancel_after_publishing_comes_too_late(store: WorkerStore) -> None:
    record = submit(store)
    running = claim(store)
    assert store.publish(running) == "ok"
    assert store.publish(running) == "ok"
    assert store.cancel(record.id).status == "running"
    assert "too late" in store.events(record.id).events[0].message
    store.recover(host="a", boot="2", crash_limit=3)
    assert (
        store.cancel(record.id).status == "queued"
    )  # its worker died: what it published is told all the same
    again = claim(store, boot="2", nonce="again")  # whose worker finds the published result and ends the job
    assert store.finish(again, "succeeded", message="Done") == "ok"
    with pytest.raises(InvalidTransition, match="is succeeded already"):
        store.cancel(record.id)


def test_a_dead_workers_job_is_requeued_in_its_place_and_the_old_attempt_is_fenced(
    store: WorkerStore,
) -> None:
    first, second = submit(store), submit(store)
    old = claim(store, boot="1", nonce="n1")
    assert store.recover(host="a", boot="1", crash_limit=3) == []
    assert store.recover(host="b", boot="2", crash_limit=3) == []
    assert store.recover(host="a", boot="2", crash_limit=3) == [first.id]
    assert [store.get(job.id).queue_position for job in (first, second)] == [1, 2]
    new = claim(store, boot="2", nonce="n2")
    assert (new.job_id, new.attempt) == (first.id, 2)
    event = WorkerEvent(1, "info", "message", "late", {})
    verdicts = [
        store.beat(old, lease_seconds=45, progress={"step": 9}),
        store.record_events(old, [event]),
        store.checkpoint(old, 9),
        store.publish(old),
        store.release(old),
        store.finish(old, "succeeded", message="late"),
    ]
    assert verdicts == ["fenced"] * 6
    assert store.get(first.id).progress.step is None
    assert "late" not in [line.message for line in store.events(first.id).events]


def test_a_job_that_keeps_killing_workers_fails_as_poison_unless_it_advances(store: WorkerStore) -> None:
    record = submit(store)
    for attempt in range(1, 4):
        store._redis.hset(f"tunedock:job:{record.id}", "not_before", 0)
        running = claim(store, boot=str(attempt), nonce=str(attempt))
        if attempt == 1:
            store.checkpoint(running, 5)
        store.recover(host="a", boot="next", crash_limit=3)
    final = store.get(record.id)
    assert final.status == "failed"
    assert final.error is not None
    assert final.error.code == "poison"

    advancing = submit(store)
    for attempt in range(1, 13):
        store._redis.hset(f"tunedock:job:{advancing.id}", "not_before", 0)
        running = claim(store, boot=str(attempt), nonce=f"a{attempt}")
        store.checkpoint(running, attempt)
        store.recover(host="a", boot="next", crash_limit=3)
    assert store.get(advancing.id).status == "queued"


def test_a_second_crash_in_a_row_waits_and_the_next_job_goes_first(store: WorkerStore) -> None:
    submit(store)
    for attempt in ("1", "2"):
        claim(store, boot=attempt, nonce=attempt)
        store.recover(host="a", boot="next", crash_limit=3)
    wait = store.claim(host="a", boot="3", nonce="3", lease_seconds=45)
    assert isinstance(wait, float)
    assert 9 < wait <= 10
    other = submit(store)
    assert claim(store, boot="3", nonce="3").job_id == other.id


def test_an_expired_lease_is_reaped_and_a_worker_that_was_only_slow_comes_back(store: WorkerStore) -> None:
    record = submit(store)
    slow = store.claim(host="a", boot="1", nonce="n", lease_seconds=0.01)
    assert isinstance(slow, Claim)
    time.sleep(0.05)
    assert store.reap(crash_limit=3) == [record.id]
    assert store.get(record.id).status == "queued"
    assert store.beat(slow, lease_seconds=45, progress=None) == "ok"
    assert (store.get(record.id).status, store.get(record.id).attempt) == ("running", 1)
    assert store._redis.hget(f"tunedock:job:{record.id}", "crashes") == "0"
    assert store.reap(crash_limit=3) == []


def test_a_checkpoint_before_the_beat_of_a_worker_taken_for_dead_leaves_the_crash_count_sane(
    store: WorkerStore,
) -> None:
    record = submit(store)
    slow = store.claim(host="a", boot="1", nonce="n", lease_seconds=0.01)
    assert isinstance(slow, Claim)
    time.sleep(0.05)
    store.reap(crash_limit=3)
    assert store.checkpoint(slow, 1) == "ok"
    assert store.beat(slow, lease_seconds=45, progress=None) == "ok"
    store.recover(host="a", boot="2", crash_limit=3)
    assert claim(store, boot="2", nonce="m").job_id == record.id  # at once: it is the first crash


def test_a_drained_job_goes_back_to_its_place_without_a_crash(store: WorkerStore) -> None:
    first, _ = submit(store), submit(store)
    running = claim(store)
    assert store.release(running) == "ok"
    assert store.release(running) == "ok"
    assert claim(store, nonce="again").job_id == first.id
    assert store._redis.hget(f"tunedock:job:{first.id}", "crashes") is None
    assert (store.get(first.id).pauses, store.get(first.id).interruptions) == (0, 1)


def test_a_worker_that_handed_its_job_back_stays_fenced_after_the_job_ended(store: WorkerStore) -> None:
    record = submit(store)
    running = claim(store)
    assert store.release(running) == "ok"
    assert store.cancel(record.id).status == "cancelled"
    assert store.release(running) == "ok"
    assert store.beat(running, lease_seconds=45, progress=None) == "fenced"


def test_a_cancelled_job_whose_worker_died_ends_cancelled(store: WorkerStore) -> None:
    record = submit(store)
    claim(store)
    store.cancel(record.id)
    store.recover(host="a", boot="2", crash_limit=3)
    assert store.get(record.id).status == "cancelled"


def test_events_are_kept_once_in_order_however_often_they_are_sent(store: WorkerStore) -> None:
    record = submit(store)
    running = claim(store)
    events = [
        WorkerEvent(number, "info", "metrics", f"step {number}", {"step": number}) for number in (1, 2, 3)
    ]
    for batch in (events[:2], events[:2], events[1:], events):
        assert store.record_events(running, batch) == "ok"
    page = store.events(record.id, limit=3)
    assert [event.message for event in page.events] == ["step 3", "step 2", "step 1"]
    assert page.has_more
    ids = [tuple(map(int, event.id.split("-"))) for event in store.events(record.id).events]
    assert ids == sorted(ids, reverse=True)
    older = store.events(record.id, after=page.events[-1].id)
    assert [event.message for event in older.events] == [
        "The job started.",
        "The job is accepted and queued.",
    ]


def test_lists_are_newest_first_with_filters_and_cursors(store: WorkerStore) -> None:
    jobs = [submit(store, body=str(number)) for number in range(5)]
    diagnostic = store.submit(
        new_job_id("load_diagnostic"), LoadDiagnosticRequest(model="tiny"), owner="me", idempotency_key=None,
        fingerprint="d", is_retry=False, max_queued_jobs=1000,
    ).record  # fmt: skip
    store.cancel(jobs[1].id)
    page = store.list_jobs(limit=2)
    assert [job.id for job in page.records] == [diagnostic.id, jobs[4].id]
    assert page.has_more
    rest = store.list_jobs(after=jobs[4].id, limit=10)
    assert [job.id for job in rest.records] == [job.id for job in jobs[3::-1]]
    assert not rest.has_more
    assert [job.id for job in store.list_jobs(status="cancelled").records] == [jobs[1].id]
    assert [job.id for job in store.list_jobs(kind="load_diagnostic").records] == [diagnostic.id]
    assert [job.id for job in store.list_jobs(metadata={"body": "0"}, limit=1).records] == [jobs[0].id]
    with pytest.raises(NotFound):
        store.list_jobs(after="ftjob-none")


def test_the_census_counts_what_the_records_say(store: WorkerStore) -> None:
    submit(store), submit(store)
    store.finish(claim(store), "failed", message="Broke", error={"code": "x", "message": "y", "remedy": "z"})
    census = store.census()
    assert census.records["fine_tuning", "failed"] == 1
    assert census.queue_length["fine_tuning"] == 1
    assert census.counters["ended:fine_tuning:failed"] == 1
    assert census.counters["wait:fine_tuning:count"] == 1
    assert census.counters["duration:fine_tuning:failed:count"] == 1


def test_a_worker_that_spoke_is_listed(store: WorkerStore) -> None:
    assert store.workers() == []
    store.worker_beat("gpu-1", {"device": "cpu"})
    (worker,) = store.workers()
    assert (worker.host, worker.fields["device"]) == ("gpu-1", "cpu")
    assert worker.beat_seconds_ago < 5


def test_nothing_acknowledged_is_lost_when_the_store_is_killed(tmp_path: Path) -> None:
    server = Valkey(tmp_path).start()
    store = WorkerStore.connect(server.url)
    record = submit(store, key="k")
    running = claim(store)
    store.record_events(running, [WorkerEvent(1, "info", "message", "hello", {})])
    server.kill()
    with pytest.raises(StoreUnavailable):
        store.beat(running, lease_seconds=45, progress=None)
    server.start()
    assert store.beat(running, lease_seconds=45, progress=None) == "ok"
    assert submit(store, key="k").id == record.id
    assert store.events(record.id).events[0].message == "hello"
    server.kill()


def test_a_running_job_that_is_paused_hands_itself_back_and_goes_on_when_resumed(store: WorkerStore) -> None:
    first, second = submit(store, body="first"), submit(store, body="second")
    running = claim(store)
    assert store.pause(first.id).status == "pausing"
    assert store.pause(first.id).status == "pausing"
    assert store.beat(running, lease_seconds=45, progress=None) == "pause"
    assert store.release(running) == "ok"
    assert store.get(first.id).status == "paused"
    assert claim(store, nonce="next").job_id == second.id
    assert store.resume(first.id).status == "queued"
    assert store.get(first.id).queue_position == 1
    assert claim(store, nonce="again") == Claim(
        first.id, 2, "fine_tuning", running.request, running.created_at
    )
    assert store._redis.hget(f"tunedock:job:{first.id}", "crashes") is None
    assert (store.get(first.id).attempt, store.get(first.id).pauses) == (2, 1)
    assert store.get(first.id).interruptions == 0
    told = [event.message for event in store.events(first.id).events]
    assert "The job started again. It was paused once before." in told


def test_time_is_left_only_while_a_worker_works(store: WorkerStore) -> None:
    record = submit(store)
    running = claim(store)
    store.beat(running, lease_seconds=45, progress={"stage": "training", "step": 3, "eta_seconds": 60.0})
    assert store.get(record.id).progress.eta_seconds == 60.0
    store.pause(record.id)
    store.release(running)
    assert store.get(record.id).progress.eta_seconds is None
    assert store.get(record.id).progress.step == 3


def test_lost_workers_are_counted_apart_from_pauses(store: WorkerStore) -> None:
    record = submit(store)
    claim(store)
    store.recover(host="a", boot="2", crash_limit=9)
    store.pause(record.id)
    assert "before it started" not in store.events(record.id).events[0].message
    store.resume(record.id)
    assert (store.get(record.id).pauses, store.get(record.id).interruptions) == (0, 1)
    store.claim(host="a", boot="2", nonce="next", lease_seconds=45)
    assert store.events(record.id).events[0].message == "The job started again. This is attempt 2."
    store.pause(record.id)
    store.recover(host="a", boot="3", crash_limit=9)
    store.resume(record.id)
    store.claim(host="a", boot="3", nonce="last", lease_seconds=45)
    told = store.events(record.id).events[0].message
    assert "paused once before. It was also interrupted once, because its worker ended." in told


def test_a_pause_is_refused_with_the_reason_once_it_is_too_late(store: WorkerStore) -> None:
    record = submit(store)
    running = claim(store)
    store.publish(running)
    with pytest.raises(InvalidTransition, match="publishing its result"):
        store.pause(record.id)
    store.finish(running, "succeeded", message="Done")
    with pytest.raises(InvalidTransition, match="is succeeded already"):
        store.pause(record.id)
    with pytest.raises(InvalidTransition, match="is succeeded already"):
        store.resume(record.id)
    with pytest.raises(NotFound):
        store.pause(new_job_id("fine_tuning"))


def test_a_job_that_finishes_before_it_hears_of_the_pause_has_succeeded(store: WorkerStore) -> None:
    record = submit(store)
    running = claim(store)
    store.pause(record.id)
    assert store.publish(running) == "ok"
    assert store.finish(running, "succeeded", message="Done") == "ok"
    assert store.get(record.id).status == "succeeded"


def test_a_paused_job_can_be_cancelled_and_keeps_its_base_from_being_deleted(
    store: WorkerStore, valkey: Valkey
) -> None:
    made = submit(store)
    running = claim(store)
    store.publish(running)
    store.finish(running, "succeeded", message="Done")
    request = FineTuningRequest(model=f"ft:tiny:tunedock:{made.id.removeprefix('ftjob-')}", dataset="spam")
    user = store.submit(
        new_job_id("fine_tuning"), request, owner="me", idempotency_key=None, fingerprint="x", is_retry=False,
        max_queued_jobs=9,
    ).record  # fmt: skip
    assert store.pause(user.id).status == "paused"
    assert store.get(user.id).queue_position is None
    keeper = KeeperStore.connect(valkey.url)
    with pytest.raises(InUse):
        keeper.delete_job(made.id)
    assert keeper.model_users() == {made.id: user.id}
    assert store.cancel(user.id).status == "cancelled"


def test_while_the_queue_is_paused_jobs_are_accepted_and_none_starts(store: WorkerStore) -> None:
    alone = submit(store, body="alone")
    store.pause(alone.id)
    first = submit(store, body="first")
    running = claim(store)
    assert store.hold() == [first.id]
    store.release(running)
    submit(store, body="later")
    assert store.claim(host="a", boot="1", nonce="none", lease_seconds=45) is None
    assert store.let_go() == [first.id]
    assert claim(store, nonce="again").job_id == first.id
    assert store.get(alone.id).status == "paused"


def test_a_job_paused_on_its_own_after_the_whole_queue_stays_so_when_the_queue_goes_on(
    store: WorkerStore,
) -> None:
    job_id = submit(store).id
    running = claim(store)
    assert store.hold() == [job_id]
    store.release(running)
    assert store.pause(job_id).status == "paused"
    assert store.let_go() == []
    assert store.get(job_id).status == "paused"


def test_a_death_on_a_full_disk_is_told_and_counts_as_no_crash_however_often_it_comes(
    store: WorkerStore,
) -> None:
    job_id = submit(store).id
    for boot in range(5):
        claim(store, boot=str(boot), nonce=str(boot))
        assert store.recover(host="a", boot=f"{boot} again", crash_limit=3, disk_is_full=True) == [job_id]
        assert "counts as no crash" in store.events(job_id).events[0].message
        wait = store.claim(host="a", boot="x", nonce="x", lease_seconds=45)
        assert isinstance(wait, float)
        assert 5 < wait <= 10
        store._redis.hdel(f"tunedock:job:{job_id}", "not_before")
    assert store.get(job_id).status == "queued"
    assert store._redis.hget(f"tunedock:job:{job_id}", "crashes") is None
