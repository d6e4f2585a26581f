"""Every call of the job store meets every trouble: it says so, and its repeat does what was asked, once."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from shared.errors import InvalidTransition, NotFound, StoreUnavailable
from shared.job_records import Claim, WorkerEvent
from shared.jobs import new_job_id
from shared.keeper_store import KeeperStore
from shared.queue import Doorbell
from shared.schemas.requests import FineTuningRequest
from shared.store_scripts import script, scripts
from shared.webhook_store import Due, WebhookStore
from shared.worker_store import WorkerStore
from tests.store_gate import WIRE_TROUBLES, StoreGate, WireTrouble, store_gate
from tests.valkey import Valkey

RUNNING, WAITING, PAUSED, ENDED, NEW = (new_job_id("fine_tuning") for _ in range(5))
EVENTS = [WorkerEvent(number, "info", "message", f"said {number}", {}) for number in (1, 2)]
CUTS = [trouble for trouble in WIRE_TROUBLES if trouble.is_cut and trouble.reply is None]
HOOK = "https://hooks.invalid/"
DUE = Due(f"{ENDED}.1", 1, ENDED, "fine_tuning.job.succeeded", 0.0, HOOK, 0)  # it is claimed
REPEATS = (NotFound, InvalidTransition)  # what a repeat may meet that was done the first time


@dataclass(frozen=True)
class Stores:
    """One store as a worker, a keeper and a sender of webhooks see it, and the claim of the job that runs."""

    worker: WorkerStore
    keeper: KeeperStore
    webhooks: WebhookStore
    claim: Claim

    @classmethod
    def at(cls, url: str, claim: Claim, *, timeout_seconds: float) -> "Stores":
        store = WorkerStore.connect(url, timeout_seconds=timeout_seconds)
        store.check_writes()  # now, so that no later call has a connection to set up
        return cls(store, KeeperStore.of(store), WebhookStore.of(store), claim)


CALLS: dict[str, Callable[[Stores], object]] = {
    # for users
    "check_writes": lambda s: s.worker.check_writes(),
    "find_repeat": lambda s: s.worker.find_repeat(
        owner="me", idempotency_key=WAITING, fingerprint=WAITING, is_retry=False
    ),
    "submit": lambda s: submit(s.worker, NEW),
    "get": lambda s: s.worker.get(RUNNING),
    "list_jobs": lambda s: s.worker.list_jobs(after=PAUSED),
    "cancel": lambda s: s.worker.cancel(RUNNING),
    "pause": lambda s: s.worker.pause(WAITING),
    "resume": lambda s: s.worker.resume(PAUSED),
    "move": lambda s: s.worker.move(WAITING, "priority", 5),
    "hold": lambda s: s.worker.hold(),
    "let_go": lambda s: s.worker.let_go(),
    "is_held": lambda s: s.worker.is_held(),
    "events": lambda s: s.worker.events(RUNNING),
    "stored_events": lambda s: s.worker.stored_events(RUNNING, limit=10),
    "line": lambda s: s.worker.line("queued", limit=10),
    "messages": lambda s: s.worker.messages(RUNNING, limit=10),
    "workers": lambda s: s.worker.workers(),
    "census": lambda s: s.worker.census(),
    # for workers
    "claim": lambda s: s.worker.claim(host="b", boot="1", nonce="its own", lease_seconds=45),
    "beat": lambda s: s.worker.beat(s.claim, lease_seconds=45, progress={"stage": "training", "step": 7}),
    "record_events": lambda s: s.worker.record_events(s.claim, EVENTS),
    "recorded": lambda s: s.worker.recorded(RUNNING, 1),
    "stored_failure": lambda s: s.worker.stored_failure(ENDED),
    "checkpoint": lambda s: s.worker.checkpoint(s.claim, 5),
    "publish": lambda s: s.worker.publish(s.claim),
    "release": lambda s: s.worker.release(s.claim),
    "finish": lambda s: s.worker.finish(s.claim, "succeeded", message="Done", result={"steps": 9}),
    "recover": lambda s: s.worker.recover(host="a", boot="2", crash_limit=3),
    "reap": lambda s: s.worker.reap(crash_limit=3),
    "uptime_seconds": lambda s: s.worker.uptime_seconds(),
    "wanted_rings": lambda s: s.worker.wanted_rings(alive_seconds=30),
    "forget_worker": lambda s: s.worker.forget_worker("a"),
    "worker_beat": lambda s: s.worker.worker_beat("b", {"device": "cpu"}),
    "ended": lambda s: s.worker.ended(),
    # for who tidies up
    "ended_jobs": lambda s: list(s.keeper.ended_jobs()),
    "now": lambda s: s.keeper.now(),
    "model_users": lambda s: s.keeper.model_users(),
    "ended_copy": lambda s: s.keeper.ended_copy(ENDED),
    "number_of": lambda s: s.keeper.number_of(ENDED),
    "delete_job": lambda s: s.keeper.delete_job(ENDED),
    "delete_model": lambda s: s.keeper.delete_model(ENDED),
    # for who sends webhooks
    "claim_due": lambda s: s.webhooks.claim_due([HOOK], lease_seconds=60, most=8),
    "settle": lambda s: s.webhooks.settle(DUE, "given_up", host="hooks.invalid"),
    "deliveries": lambda s: s.webhooks.deliveries(limit=5),
    "of_job": lambda s: s.webhooks.of_job(ENDED),
    "resend": lambda s: s.webhooks.resend(DUE.name),
}


def test_no_call_of_the_store_is_forgotten_here() -> None:
    calls = {
        name
        for store in (WorkerStore, KeeperStore, WebhookStore)
        for name, _ in inspect.getmembers(store, inspect.isfunction)
        if not name.startswith("_")
    }
    assert calls == set(CALLS)


def submit(store: WorkerStore, job_id: str) -> object:
    return store.submit(
        job_id,
        FineTuningRequest(model="tiny", dataset="messages"),
        owner="me",
        idempotency_key=job_id,
        fingerprint=job_id,
        is_retry=False,
        max_queued_jobs=10,
    )


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreGate]:
    """Before a store that brings nothing to disk, to be quick."""
    valkey = Valkey(tmp_path_factory.mktemp("valkey")).start("--appendonly", "no")
    store = WorkerStore.connect(valkey.url)
    for name in scripts():
        store._redis.script_load(script(name))
    with store_gate(valkey.port) as gate:
        yield gate
    valkey.kill()


@pytest.fixture
def behind(gate: StoreGate) -> Stores:
    """The store without the gate, with a job that runs, and one that waits, is paused, has ended."""
    store = WorkerStore.connect(f"redis://127.0.0.1:{gate.behind}/0", timeout_seconds=5)
    return Stores(store, KeeperStore.of(store), WebhookStore.of(store), begun(store))


def begun(store: WorkerStore) -> Claim:
    store._redis.flushall()
    webhooks = WebhookStore.of(store)
    webhooks.claim_due([HOOK], lease_seconds=60, most=8)
    for job_id in (ENDED, RUNNING, WAITING, PAUSED):
        submit(store, job_id)
    done = store.claim(host="a", boot="1", nonce="done", lease_seconds=45)
    assert isinstance(done, Claim)
    assert store.finish(done, "succeeded", message="Done", result={"fine_tuned_model": "m"}) == "ok"
    assert [due.name for due in webhooks.claim_due([HOOK], lease_seconds=60, most=8)] == [DUE.name]
    store.pause(PAUSED)
    store.worker_beat("a", {"device": "cpu"})
    claim = store.claim(host="a", boot="1", nonce="n", lease_seconds=45)
    assert isinstance(claim, Claim)
    assert (done.job_id, claim.job_id) == (ENDED, RUNNING)
    return claim


def seen(store: WorkerStore) -> object:
    """All that users, workers and metrics see, without the times."""
    jobs = store.list_jobs(limit=100).records
    times = {"created_at", "queued_at", "started_at", "finished_at", "model_deleted_at"}
    deliveries, _ = WebhookStore.of(store).deliveries(limit=9)
    times_of_tries = {"created_at", "tried_at", "next_try_at"}
    counters = store.census().counters
    return (
        [job.model_dump(exclude=times) for job in jobs],
        [job.model_deleted_at is None for job in jobs],
        [[event.message for event in store.events(job.id).events] for job in jobs],
        {name: value for name, value in counters.items() if name.endswith(":count") or "ended" in name},
        store.ended(),
        store.is_held(),
        [worker.host for worker in store.workers()],
        store._redis.hgetall("tunedock:nonces"),
        {one.id: one.model_dump(exclude=times_of_tries) for one in deliveries},
    )


@pytest.mark.parametrize("trouble", WIRE_TROUBLES, ids=lambda trouble: trouble.name)
def test_a_call_that_meets_a_trouble_says_so_and_its_repeat_leaves_what_one_call_leaves(
    trouble: WireTrouble, gate: StoreGate, behind: Stores
) -> None:
    gate.heal()
    patient = Stores.at(gate.url, behind.claim, timeout_seconds=5)
    hurried = Stores.at(gate.url, behind.claim, timeout_seconds=0.05)
    wrong: list[str] = []
    for name, call in CALLS.items():
        begun(behind.worker)
        gate.heal()
        done = outcome(call, patient)
        assert not isinstance(done, Exception), (name, done)
        requests, expected = len(gate.passed), seen(behind.worker)
        assert requests, name
        for first in sorted({1, min(2, requests), requests}):
            begun(behind.worker)
            gate.disturb(trouble, first=first)
            said = outcome(call, hurried)
            gate.heal()
            repeated = outcome(call, behind, *REPEATS)
            if not isinstance(said, StoreUnavailable) or isinstance(repeated, Exception):
                wrong.append(f"{name}, request {first} of {requests}: {said!r}, then {repeated!r}")
            elif seen(behind.worker) != expected:
                wrong.append(
                    f"{name}, request {first} of {requests}: {seen(behind.worker)} is not {expected}"
                )
    assert not wrong, "\n".join(wrong)


def outcome(call: Callable[[Stores], object], stores: Stores, *allowed: type[Exception]) -> object:
    """What the call returns, None for what is `allowed`, or the other exception that it raises."""
    try:
        return call(stores)
    except allowed:
        return None
    except Exception as error:
        return error


@pytest.mark.parametrize("trouble", CUTS, ids=lambda trouble: trouble.name)
def test_a_connection_that_breaks_once_is_not_even_noticed(
    trouble: WireTrouble, gate: StoreGate, behind: Stores
) -> None:
    """Other than a refusal, which is told at once, since the store may refuse for long."""
    gate.heal()
    patient = Stores.at(gate.url, behind.claim, timeout_seconds=5)
    for name, call in CALLS.items():
        begun(behind.worker)
        gate.disturb_each(trouble, times=1)
        assert not isinstance(outcome(call, patient, *REPEATS), Exception), name


@pytest.mark.parametrize("trouble", WIRE_TROUBLES[:-1], ids=lambda trouble: trouble.name)
def test_a_doorbell_that_meets_a_trouble_never_raises(
    trouble: WireTrouble, gate: StoreGate, behind: Stores
) -> None:
    doorbell = Doorbell(gate.url)
    gate.disturb(trouble)
    with pytest.raises(StoreUnavailable):
        doorbell.waiting_rings()
    doorbell.ring("a job")
    gate.heal()
    doorbell.ring("a job")
    assert doorbell.waiting_rings() >= 1
