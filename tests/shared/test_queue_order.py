"""Who starts when: priorities, jobs that are moved, jobs that wait for others; against a real Valkey."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.errors import InUse, InvalidField, InvalidTransition, NotFound, TooManyJobs
from shared.job_records import Claim
from shared.jobs import new_job_id
from shared.keeper_store import KeeperStore
from shared.schemas.records import JobRecord
from shared.schemas.requests import EvaluationRequest, FineTuningRequest
from shared.worker_store import WorkerStore
from tests.valkey import Valkey


def submit(
    store: WorkerStore, *, priority: int = 0, after: tuple[JobRecord, ...] = (), most: int = 1000
) -> JobRecord:
    request = FineTuningRequest(model="tiny", dataset="d", priority=priority, after=[job.id for job in after])
    job_id = new_job_id("fine_tuning")
    return store.submit(
        job_id, request, owner="me", idempotency_key=None, fingerprint=job_id, is_retry=False,
        max_queued_jobs=most,
    ).record  # fmt: skip


def claim(store: WorkerStore) -> Claim:
    claimed = store.claim(host="a", boot="1", nonce=new_job_id("fine_tuning"), lease_seconds=45)
    assert isinstance(claimed, Claim)
    return claimed


def order(store: WorkerStore) -> list[str]:
    """The jobs that may start, by what their records say, which is also the order of the claims."""
    queued = store.list_jobs(status="queued", limit=100).records
    placed = {job.queue_position: job.id for job in queued if job.queue_position is not None}
    assert sorted(placed) == list(range(1, len(placed) + 1))
    return [placed[position] for position in sorted(placed)]


def messages(store: WorkerStore, job: JobRecord) -> list[str]:
    return [event.message for event in store.events(job.id).events][::-1]


def finish(store: WorkerStore, running: Claim, status: str = "succeeded") -> None:
    assert store.finish(running, status, message="end") == "ok"  # type: ignore[arg-type]


def test_a_higher_priority_starts_first_and_within_one_the_older(store: WorkerStore) -> None:
    low, first, second, high = (submit(store, priority=priority) for priority in (-1, 0, 0, 100))
    assert order(store) == [high.id, first.id, second.id, low.id]
    assert (high.priority, high.queue_position, low.queue_position) == (100, 1, 1)
    assert [claim(store).job_id for _ in range(4)] == [high.id, first.id, second.id, low.id]


def test_a_job_that_comes_back_goes_before_those_of_its_own_priority(store: WorkerStore) -> None:
    running, other = submit(store), submit(store)
    held = claim(store)
    store.move(other.id, "front")
    high = submit(store, priority=1)
    store.release(held)
    assert order(store) == [high.id, running.id, other.id]
    store.pause(running.id)
    store.resume(running.id)
    assert order(store) == [high.id, running.id, other.id]


@pytest.mark.parametrize(
    ("how", "what", "moved"),
    [
        ("front", "", "cabde"),
        ("back", "", "abdec"),
        ("before", "a", "cabde"),
        ("before", "e", "abdce"),
        ("behind", "a", "acbde"),
        ("behind", "e", "abdec"),
        ("up", 1, "acbde"),
        ("up", 9, "cabde"),
        ("down", 1, "abdce"),
        ("down", 9, "abdec"),
    ],
)
def test_a_queued_job_moves_and_the_others_keep_their_order(
    store: WorkerStore, how: str, what: str | int, moved: str
) -> None:
    jobs = {name: submit(store) for name in "abcde"}
    other = jobs[what].id if isinstance(what, str) and what else what
    record = store.move(jobs["c"].id, how, other)  # type: ignore[arg-type]
    assert order(store) == [jobs[name].id for name in moved]
    assert record.queue_position == moved.index("c") + 1
    told = f"The job was moved in the queue from place 3 to place {moved.index('c') + 1}."
    assert messages(store, jobs["c"])[1:] == [told]
    if how not in ("up", "down"):  # the same order again changes nothing and says nothing
        store.move(jobs["c"].id, how, other)  # type: ignore[arg-type]
        assert order(store) == [jobs[name].id for name in moved]
        assert messages(store, jobs["c"])[1:] == [told]


def test_who_is_moved_among_jobs_of_another_priority_takes_as_much_of_it_as_is_needed(
    store: WorkerStore,
) -> None:
    high, middle, low = (submit(store, priority=priority) for priority in (9, 5, -5))
    last = submit(store, priority=-9)
    moved = store.move(last.id, "before", high.id)
    assert (moved.priority, moved.queue_position) == (9, 1)
    assert messages(store, last)[-1] == "The priority of the job was -9 and is now 9."
    assert store.move(last.id, "behind", middle.id).priority == 5
    assert store.move(last.id, "behind", high.id).priority == 5  # it fits between as it is
    assert store.move(last.id, "back").priority == -5
    assert order(store) == [high.id, middle.id, low.id, last.id]
    assert order(store)[-1] == last.id
    assert submit(store, priority=-5).queue_position == 5


def test_another_priority_puts_a_job_where_it_would_have_been_with_it(store: WorkerStore) -> None:
    older, job, younger = submit(store, priority=3), submit(store), submit(store, priority=3)
    assert store.move(job.id, "priority", 3).queue_position == 2
    assert order(store) == [older.id, job.id, younger.id]
    assert store.move(job.id, "priority", -100).queue_position == 3
    assert order(store) == [older.id, younger.id, job.id]


def test_any_number_of_moves_leaves_a_strict_order(store: WorkerStore) -> None:
    jobs = [submit(store).id for _ in range(5)]
    for turn in range(200):  # halving distances would have run out of them
        moved, other = jobs[-1], jobs[0]
        store.move(moved, "behind" if turn % 2 else "before", other)
        jobs = order(store)
    assert len(set(jobs)) == 5


def test_only_a_queued_job_is_moved_and_the_refusal_says_why(store: WorkerStore) -> None:
    running, queued, paused = submit(store), submit(store), submit(store)
    held = claim(store)
    store.pause(paused.id)
    reasons = {running.id: "is running. Only a job that is queued", paused.id: "is paused .* Resume it first"}
    for job_id, reason in reasons.items():
        with pytest.raises(InvalidTransition, match=f"{job_id} {reason}"):
            store.move(job_id, "front")
        with pytest.raises(InvalidTransition, match=f"{job_id} {reason}"):
            store.move(queued.id, "before", job_id)
    finish(store, held)
    with pytest.raises(InvalidTransition, match="is succeeded"):
        store.move(running.id, "back")
    with pytest.raises(NotFound):
        store.move(new_job_id("fine_tuning"), "front")
    with pytest.raises(InvalidField, match="no job ftjob-unknown"):
        store.move(queued.id, "behind", "ftjob-unknown")
    with pytest.raises(InvalidField, match="before or behind itself"):
        store.move(queued.id, "before", queued.id)


def test_a_job_starts_only_after_all_that_it_waits_for(store: WorkerStore) -> None:
    first, second = submit(store), submit(store)
    waiting = submit(store, after=(first, second, first), priority=50)
    behind = submit(store)
    assert (waiting.status, waiting.queue_position, waiting.waits_for) == (
        "queued", None, [first.id, second.id],
    )  # fmt: skip
    assert messages(store, waiting)[-1] == f"The job starts after {first.id} and {second.id}."
    assert order(store) == [first.id, second.id, behind.id]
    finish(store, claim(store))
    assert store.get(waiting.id).waits_for == [second.id]
    running = claim(store)
    assert store.get(waiting.id).queue_position is None
    finish(store, running)
    ready = store.get(waiting.id)
    assert (ready.queue_position, ready.waits_for) == (1, [])  # by its priority
    assert ready.queued_at >= waiting.queued_at
    assert messages(store, waiting)[-1].startswith("Every job that this one waited for has succeeded.")
    assert claim(store).job_id == waiting.id


def test_a_job_after_one_that_succeeded_already_waits_for_nothing(store: WorkerStore) -> None:
    first = submit(store)
    finish(store, claim(store))
    assert submit(store, after=(first,)).queue_position == 1


def test_a_job_after_an_unknown_or_failed_one_is_refused_and_leaves_nothing(store: WorkerStore) -> None:
    failed, cancelled = submit(store), submit(store)
    finish(store, claim(store), "failed")
    store.cancel(cancelled.id)
    open_job = submit(store)
    unknown = open_job.model_copy(update={"id": new_job_id("fine_tuning")})
    for before, why in (
        (failed, f"after job {failed.id}, which failed"),
        (cancelled, f"after job {cancelled.id}, which was cancelled"),
        (unknown, f"no job {unknown.id} to run after"),
    ):
        with pytest.raises(InvalidField, match=why) as refused:
            submit(store, after=(open_job, before))
        assert refused.value.param == "after"
    assert len(store.list_jobs().records) == 3
    assert store._redis.keys("tunedock:followers:*") == []


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_a_chain_ends_at_once_when_its_first_job_does_not_succeed(store: WorkerStore, status: str) -> None:
    first = submit(store)
    second = submit(store, after=(first,))
    third = submit(store, after=(second,))
    other = submit(store)
    store.pause(third.id)
    running = claim(store)
    if status == "cancelled":
        store.cancel(first.id)
    finish(store, running, status)
    for job, before, how in ((second, first, status), (third, second, "cancelled")):
        ended = store.get(job.id)
        assert ended.status == "cancelled"
        assert ended.error is not None
        assert ended.error.code == "dependency_failed"
        assert f"after job {before.id}, which {'failed' if how == 'failed' else 'was'}" in ended.error.message
        assert messages(store, job)[-1] == ended.error.message
    assert store.ended() == [(first.id, status), (second.id, "cancelled"), (third.id, "cancelled")]
    assert order(store) == [other.id]
    assert sorted(store._redis.keys("tunedock:followers:*") + store._redis.keys("tunedock:waiting")) == []
    assert store.finish(running, status, message="end") == "already"  # type: ignore[arg-type]
    assert len(store.ended()) == 3


def test_a_chain_as_long_as_the_queue_ends_with_its_first(store: WorkerStore) -> None:
    first = last = submit(store)
    for _ in range(300):
        last = submit(store, after=(last,))
    store.cancel(first.id)
    assert store.get(last.id).status == "cancelled"
    assert store.census().records["fine_tuning", "cancelled"] == 301


def test_a_job_waits_on_while_the_one_before_it_is_paused_or_crashes(store: WorkerStore) -> None:
    first = submit(store)
    waiting = submit(store, after=(first,))
    claim(store)
    assert store.recover(host="a", boot="2", crash_limit=3) == [first.id]
    store.pause(first.id)
    assert store.claim(host="a", boot="2", nonce="none", lease_seconds=45) is None
    assert store.wanted_rings(alive_seconds=60) == 0
    census = store.census()
    assert (census.queue_length["fine_tuning"], census.waiting_for_jobs["fine_tuning"]) == (0, 1)
    assert census.oldest_queued_seconds == 0
    assert store.get(waiting.id).waits_for == [first.id]


def test_a_waiting_job_can_be_paused_resumed_moved_and_cancelled(store: WorkerStore) -> None:
    first, second = submit(store), submit(store)
    waiting, gone = submit(store, after=(first,)), submit(store, after=(first,))
    store.pause(waiting.id)
    assert store.resume(waiting.id).waits_for == [first.id]
    store.move(waiting.id, "before", second.id)
    assert messages(store, waiting)[-1] == (
        "The job still waits for other jobs. Its place in the queue was 3 and will be 2."
    )
    assert order(store) == [first.id, second.id]
    store.cancel(gone.id)
    running = claim(store)
    store.pause(waiting.id)
    finish(store, running)
    assert store.get(gone.id).error is None
    assert order(store) == [second.id]
    store.resume(waiting.id)
    assert order(store) == [waiting.id, second.id]


def test_jobs_that_wait_count_for_the_limit_and_keep_the_model_they_are_to_use(
    store: WorkerStore, valkey: Valkey
) -> None:
    made, other = submit(store), submit(store)
    model = f"ft:tiny:tunedock:{made.id.removeprefix('ftjob-')}"
    request = EvaluationRequest(model="tiny", adapter=model, dataset="d", after=[made.id, other.id])
    user = store.submit(
        new_job_id("evaluation"), request, owner="me", idempotency_key=None, fingerprint="e", is_retry=False,
        max_queued_jobs=3,
    ).record  # fmt: skip
    with pytest.raises(TooManyJobs):
        submit(store, most=3)
    finish(store, claim(store))
    keeper = KeeperStore.connect(valkey.url)
    with pytest.raises(InUse):
        keeper.delete_job(made.id)
    assert keeper.model_users() == {made.id: user.id}


def test_a_job_that_was_waited_for_can_be_deleted_once_it_ended(store: WorkerStore, valkey: Valkey) -> None:
    first, second = submit(store), submit(store)
    waiting = submit(store, after=(first, second))
    keeper = KeeperStore.connect(valkey.url)
    with pytest.raises(InvalidTransition):
        keeper.delete_job(first.id)
    finish(store, claim(store))
    keeper.delete_job(first.id)
    finish(store, claim(store))
    assert claim(store).job_id == waiting.id


def test_a_job_submitted_while_the_one_before_it_ends_is_never_stuck(
    store: WorkerStore, valkey: Valkey
) -> None:
    other = WorkerStore.connect(valkey.url)

    def follow(first: JobRecord) -> JobRecord | None:
        try:
            return submit(other, after=(first,))
        except InvalidField:
            return None

    with ThreadPoolExecutor(1) as pool:
        for status in ("succeeded", "failed") * 10:
            first = submit(store)
            running = claim(store)
            following = pool.submit(follow, first)
            finish(store, running, status)
            record = following.result()
            if status == "failed":
                assert record is None or store.get(record.id).status == "cancelled"
            else:
                assert record is not None
                finish(store, claim(store))
                assert store.get(record.id).status == "succeeded"
