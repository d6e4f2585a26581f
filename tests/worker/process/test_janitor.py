"""The janitor on a real store: it rings for what waits, takes over the silent, sweeps what is nobody's."""

import time
from pathlib import Path

import pytest

from services.worker.process.janitor import Janitor
from shared.ended_copy import ended_copy
from shared.job_folder import JobFolder
from shared.queue import Doorbell
from shared.settings import Settings
from shared.worker_store import WorkerStore
from tests.ledger import claim_next, submit
from tests.valkey import Valkey


@pytest.fixture
def doorbell(valkey: Valkey) -> Doorbell:
    return Doorbell(valkey.url)


@pytest.fixture
def janitor(store: WorkerStore, doorbell: Doorbell, tmp_path: Path) -> Janitor:
    quick = Settings(data_dir=tmp_path / "data", lease_seconds=0.2, reap_grace_seconds=1)
    return Janitor(quick, store, doorbell)


def test_a_job_whose_ring_was_lost_is_rung_for_once(
    janitor: Janitor, store: WorkerStore, doorbell: Doorbell
) -> None:
    janitor.round()
    assert doorbell.waiting_rings() == 0
    submit(store)
    janitor.round()
    janitor.round()
    assert doorbell.waiting_rings() == 1


def test_the_beat_tells_what_the_card_s_memory_holds(
    store: WorkerStore, doorbell: Doorbell, tmp_path: Path
) -> None:
    card = {"card_used_bytes": "5", "card_total_bytes": "9"}
    Janitor(Settings(data_dir=tmp_path / "data"), store, doorbell, card_fields=lambda: card).round()
    (worker,) = store.workers()
    assert card.items() <= worker.fields.items()


def test_a_second_host_is_rung_for_while_the_first_is_busy(
    janitor: Janitor, store: WorkerStore, doorbell: Doorbell
) -> None:
    """`janitor` is of the host `worker`; the running job is on the host `a`."""
    submit(store)
    claim_next(store)
    waiting = submit(store).id
    store.worker_beat("a", {"device": "cpu"})
    for _ in range(3):
        janitor.round()
    assert doorbell.waiting_rings() == 1
    store.cancel(waiting)
    doorbell._redis.delete("tunedock:broker:gpu")
    janitor.round()
    assert doorbell.waiting_rings() == 0  # nothing waits


def test_nobody_is_rung_for_what_may_not_start_yet_or_where_all_are_busy_or_unable(
    janitor: Janitor, store: WorkerStore, doorbell: Doorbell
) -> None:
    crashing = submit(store)
    for boot in ("1", "2"):
        store.claim(host="a", boot=boot, nonce=boot, lease_seconds=45)
        store.recover(host="a", boot="next", crash_limit=5)
    janitor.round()
    assert store.get(crashing.id).status == "queued"
    assert doorbell.waiting_rings() == 0
    submit(store)
    store.worker_beat("worker", {"problem": "no card"})
    janitor.round()
    assert doorbell.waiting_rings() == 0
    store.worker_beat("worker", {"problem": ""})
    store.claim(host="worker", boot="1", nonce="w", lease_seconds=45)
    submit(store)
    janitor.round()
    assert doorbell.waiting_rings() == 0
    store.worker_beat("b", {})
    janitor.round()
    assert doorbell.waiting_rings() == 1


def test_a_silent_workers_job_is_taken_over_once_the_store_has_been_up_long_enough(
    janitor: Janitor, store: WorkerStore
) -> None:
    job_id = submit(store).id
    claim_next(store, lease_seconds=0.1)
    time.sleep(0.2)
    deadline = time.monotonic() + 20
    while store.get(job_id).status == "running":
        assert time.monotonic() < deadline
        assert store.uptime_seconds() < 3
        janitor.round()
        time.sleep(0.1)
    assert store.get(job_id).status == "queued"
    assert store.uptime_seconds() > 1


def test_a_store_that_was_silent_gives_live_workers_time_to_speak_again(
    janitor: Janitor, store: WorkerStore, valkey: Valkey
) -> None:
    """The server was up all the time, so its own uptime says nothing of the silence."""
    submit(store)
    running = claim_next(store, lease_seconds=0.1)
    while store.uptime_seconds() <= 2:
        time.sleep(0.1)
    with valkey.frozen():
        janitor.round()
    janitor.round()
    assert store.get(running.job_id).status == "running"
    time.sleep(1.1)
    janitor.round()
    assert store.get(running.job_id).status == "queued"


def test_an_end_that_no_process_wrote_down_is_on_disk_after_a_round(
    janitor: Janitor, store: WorkerStore, tmp_path: Path
) -> None:
    """Of a job that was cancelled where it waited; those after a job that failed end likewise."""
    job_id = submit(store).id
    folder = JobFolder.of(tmp_path / "data", job_id)
    folder.path.mkdir(parents=True)
    janitor.round()
    assert ended_copy(folder) is None
    store.cancel(job_id)
    janitor.round()
    copy = ended_copy(folder)
    assert copy is not None
    assert copy.status == "cancelled"
    folder.result.unlink()
    janitor.round()
    assert ended_copy(folder) is None  # each is looked at once; the sweep looks at all again
