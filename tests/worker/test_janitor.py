"""The janitor on a real store: it rings for what waits, takes over the silent, sweeps what is nobody's."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.worker.janitor import LEFTOVER_SECONDS, Janitor
from shared.job_records import Claim
from shared.job_store import JobStore
from shared.jobs import new_job_id
from shared.queue import Doorbell
from shared.schemas import LoadDiagnosticRequest
from shared.settings import Settings
from tests.valkey import Valkey


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    server = Valkey(tmp_path).start()
    yield server
    server.kill()


@pytest.fixture
def store(valkey: Valkey) -> JobStore:
    return JobStore.connect(valkey.url)


@pytest.fixture
def doorbell(valkey: Valkey) -> Doorbell:
    return Doorbell(valkey.url)


@pytest.fixture
def janitor(store: JobStore, doorbell: Doorbell, tmp_path: Path) -> Janitor:
    quick = Settings(data_dir=tmp_path / "data", lease_seconds=0.2, reap_grace_seconds=1)
    return Janitor(quick, store, doorbell)


def submit(store: JobStore) -> str:
    job_id = new_job_id("load_diagnostic")
    store.submit(
        job_id,
        LoadDiagnosticRequest(model="tiny"),
        owner="me",
        idempotency_key=None,
        fingerprint=job_id,
        is_retry=False,
        max_queued_jobs=10,
    )
    return job_id


def test_a_job_whose_ring_was_lost_is_rung_for_once(
    janitor: Janitor, store: JobStore, doorbell: Doorbell
) -> None:
    janitor.round()
    assert doorbell.waiting_rings() == 0
    submit(store)
    janitor.round()
    janitor.round()
    assert doorbell.waiting_rings() == 1


def test_a_silent_workers_job_is_taken_over_once_the_store_has_been_up_long_enough(
    janitor: Janitor, store: JobStore
) -> None:
    job_id = submit(store)
    assert isinstance(store.claim(host="a", boot="1", nonce="n", lease_seconds=0.1), Claim)
    time.sleep(0.2)
    deadline = time.monotonic() + 20
    while store.get(job_id).status == "running":
        assert time.monotonic() < deadline
        assert store.uptime_seconds() < 3
        janitor.round()
        time.sleep(0.1)
    assert store.get(job_id).status == "queued"
    assert store.uptime_seconds() > 1


def test_only_a_folder_whose_submit_never_happened_is_swept(
    janitor: Janitor, store: JobStore, tmp_path: Path
) -> None:
    known = submit(store)
    folders = {
        name: tmp_path / "data" / "jobs" / name for name in (known, "never", "young", "accepted", "ran")
    }
    for folder in folders.values():
        folder.mkdir(parents=True)
    (folders["accepted"] / "accepted").touch()
    (folders["ran"] / "attempts").mkdir()
    old = time.time() - LEFTOVER_SECONDS - 60
    for name, folder in folders.items():
        if name != "young":
            os.utime(folder, (old, old))
    janitor._sweep()
    assert {name for name, folder in folders.items() if folder.exists()} == {*folders} - {"never"}
