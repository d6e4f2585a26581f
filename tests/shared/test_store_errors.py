"""Each state in which a real store takes no writes: told in words that say what to do; nothing is lost."""

import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import redis

from shared.errors import StoreUnavailable
from shared.job_records import Claim, WorkerEvent
from shared.queue import ENOUGH_RINGS, Doorbell
from shared.worker_store import WorkerStore
from tests.ledger import claim_next, submit
from tests.small_disk import MIB, fill_up, may_mount, resize, small_disk
from tests.store_troubles import TROUBLES, Trouble, memory_full
from tests.valkey import Valkey


@pytest.fixture
def admin(valkey: Valkey) -> Any:
    return redis.Redis(port=valkey.port, decode_responses=True, single_connection_client=True)


@pytest.mark.parametrize(("trouble", "said"), TROUBLES, ids=[trouble.__name__ for trouble, _ in TROUBLES])
def test_a_store_that_takes_no_writes_is_told_in_words_and_goes_on_by_itself(
    trouble: Trouble, said: str, valkey: Valkey, admin: Any, store: WorkerStore
) -> None:
    submit(store)
    claim = claim_next(store)
    waiting = submit(store).id
    changes: list[Callable[[], object]] = [
        lambda: submit(store),
        lambda: store.claim(host="b", boot="2", nonce="other", lease_seconds=45),
        lambda: store.record_events(claim, [WorkerEvent(1, "info", "message", "said", {})]),
        lambda: store.release(claim),
        lambda: store.finish(claim, "succeeded", message="Done", result={}),
    ]
    small: list[Callable[[], object]] = [
        lambda: store.beat(claim, lease_seconds=45, progress={"stage": "training", "step": 7}),
        lambda: store.checkpoint(claim, 5),
        lambda: store.publish(claim),
        lambda: store.worker_beat("a", {"pid": "1"}),
    ]
    with trouble(valkey, admin):
        for change in changes if trouble is memory_full else changes + small:
            with pytest.raises(StoreUnavailable, match=said):
                change()
    assert [job.id for job in store.list_jobs(status="queued").records] == [waiting]
    assert store.record_events(claim, [WorkerEvent(1, "info", "message", "said", {})]) == "ok"
    assert store.finish(claim, "succeeded", message="Done", result={}) == "ok"
    assert store.get(claim.job_id).status == "succeeded"
    assert [event.message for event in store.events(claim.job_id).events][:2] == ["Done", "said"]
    assert store.census().queue_length["load_diagnostic"] == 1


def test_a_full_store_still_hears_that_workers_live_and_what_users_cancel(
    valkey: Valkey, admin: Any, store: WorkerStore
) -> None:
    submit(store)
    claim = claim_next(store)
    with memory_full(valkey, admin):
        store.worker_beat("a", {"device": "cpu"})
        assert [worker.host for worker in store.workers()] == ["a"]
        assert store.beat(claim, lease_seconds=45, progress={"stage": "training", "step": 7}) == "ok"
        assert store.cancel(claim.job_id).status == "cancelling"
        assert store.beat(claim, lease_seconds=45, progress=None) == "cancel"
    assert store.get(claim.job_id).progress.step == 7


@pytest.mark.parametrize(("trouble", "said"), TROUBLES[:3], ids=["full", "read_only", "primary_lost"])
def test_a_doorbell_never_raises_whatever_the_store_refuses(
    trouble: Trouble, said: str, valkey: Valkey, admin: Any
) -> None:
    doorbell = Doorbell(valkey.url)
    with trouble(valkey, admin):
        doorbell.ring("a job")
    doorbell.ring("a job")
    assert doorbell.waiting_rings() >= 1


def test_rings_that_nobody_takes_do_not_fill_the_store(valkey: Valkey) -> None:
    doorbell = Doorbell(valkey.url)
    for number in range(ENOUGH_RINGS + 30):
        doorbell.ring(f"job {number}")
    assert doorbell.waiting_rings() == ENOUGH_RINGS


def test_a_doorbell_whose_stores_name_is_not_found_gives_up_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    silence = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: silence.wait(20) and [])
    started = time.monotonic()
    Doorbell("redis://store:6379/0").ring("a job")
    silence.set()
    assert time.monotonic() - started < 5


def refusal_of(change: Callable[[], object]) -> str:
    """What the store says once it refuses; what it still took until then stays."""
    for _ in range(100):
        try:
            change()
        except StoreUnavailable as refusal:
            return refusal.message
        time.sleep(0.05)
    pytest.fail("the store refused nothing")


def test_a_store_whose_disk_is_full_is_told_in_words(
    tmp_path: Path, need: Callable[[bool, str], None]
) -> None:
    need(may_mount(), "the right to mount a small disk")
    folder = tmp_path / "disk"
    with small_disk(folder, 8 * MIB):
        server = Valkey(folder).start("--appendfsync", "everysec")
        store = WorkerStore.connect(server.url, timeout_seconds=5)
        record = submit(store)
        fill_up(folder)
        assert "can't write to its disk" in refusal_of(lambda: submit(store))
        resize(folder, 8 * MIB)
        time.sleep(1.5)
        assert store.cancel(record.id).status == "cancelled"
        server.kill()


def test_a_store_that_still_reads_its_data_is_told_in_words(
    valkey: Valkey, store: WorkerStore, admin: Any
) -> None:
    record = submit(store)
    admin.mset({f"filler:{number}": "x" * 1000 for number in range(4000)})
    admin.bgrewriteaof()
    while admin.info("persistence")["aof_rewrite_in_progress"]:
        time.sleep(0.05)
    valkey.kill()
    more = ("--key-load-delay", "500", "--loading-process-events-interval-bytes", "1024")
    starting = threading.Thread(target=valkey.start, args=more)
    starting.start()
    said: set[str] = set()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            assert store.get(record.id) == record
            break
        except StoreUnavailable as refusal:
            said.add(refusal.message)
        time.sleep(0.05)
    starting.join()
    assert any("still reads its data" in sentence for sentence in said)
    assert store.get(record.id) == record


def test_a_fault_of_ours_is_no_trouble_of_the_store(store: WorkerStore, admin: Any) -> None:
    admin.set("tunedock:queued", "no sorted set")
    with pytest.raises(redis.ResponseError, match="wrong kind of value"):
        submit(store)


def test_a_claim_is_given_again_after_the_store_was_full(
    valkey: Valkey, admin: Any, store: WorkerStore
) -> None:
    waiting = submit(store).id
    with memory_full(valkey, admin), pytest.raises(StoreUnavailable):
        store.claim(host="a", boot="1", nonce="n", lease_seconds=45)
    again = store.claim(host="a", boot="1", nonce="n", lease_seconds=45)
    assert isinstance(again, Claim)
    assert (again.job_id, again.attempt) == (waiting, 1)
