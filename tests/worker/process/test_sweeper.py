"""The sweep on a real store and disk: what is nobody's goes, what the rule lets go goes, all else stays."""

import json
import os
import time
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from services.worker.process.sweeper import SWEEP_SECONDS, Sweeper
from shared.jobs import new_job_id
from shared.keeper_store import KeeperStore
from shared.old_uploads import ABANDONED_SECONDS
from shared.settings import Settings
from shared.worker_store import WorkerStore
from shared.writer_lock import writer_lock
from tests.ledger import claim_next, submit
from tests.valkey import Valkey
from tests.worker.many_jobs import many_jobs


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for name in ("jobs", "files"):
        (tmp_path / "data" / name).mkdir(parents=True)
    return tmp_path / "data"


def sweep(store: WorkerStore, data: Path, **settings: object) -> bool:
    fields = {"data_dir": data, **settings}
    return Sweeper(Settings.model_validate(fields), KeeperStore.of(store)).sweep()


def ended(store: WorkerStore, data: Path, *, adapter: bool = False, size: int = 0) -> str:
    """A job that succeeded, with a folder of about `size` bytes."""
    job_id = submit(store).id
    folder = data / "jobs" / job_id
    (folder / "adapter" if adapter else folder / "rows").mkdir(parents=True)
    (folder / "spec.json").write_text("{}")
    (folder / "accepted").touch()
    (folder / "report.json").write_bytes(os.urandom(size))
    store.finish(claim_next(store), "succeeded", message="Done", result={})
    return job_id


def jobs(data: Path) -> set[str]:
    return {path.name for path in (data / "jobs").iterdir()}


def known(store: WorkerStore) -> set[str]:
    return {record.id for record in store.list_jobs(limit=100).records}


def test_only_a_folder_whose_submit_never_happened_is_swept(store: WorkerStore, data: Path) -> None:
    """Gone within an hour, the time between two sweeps included; never one whose rows are still written."""
    assert ABANDONED_SECONDS + SWEEP_SECONDS <= 3600
    names = (
        "never",
        "young",
        "written now",
        "held by its writer",
        "accepted",
        "ran",
        "trained",
        "written after its deletion",
    )
    folders = {name: data / "jobs" / new_job_id("load_diagnostic") for name in names}
    folders |= {"known": data / "jobs" / submit(store).id, "a user's own": data / "jobs" / "notes"}
    for folder in folders.values():
        folder.mkdir()
    (folders["accepted"] / "accepted").touch()
    for name in ("ran", "written after its deletion"):
        (folders[name] / "attempts").mkdir()
    (folders["ran"] / "spec.json").touch()
    (folders["trained"] / "adapter").mkdir()
    (folders["written now"] / "rows").mkdir()
    old = time.time() - ABANDONED_SECONDS - 60
    for name, folder in folders.items():
        if name != "young":
            for path in (*folder.rglob("*"), folder):
                os.utime(path, (old, old))
    (folders["written now"] / "rows" / "training.jsonl").touch()
    os.utime(folders["written now"] / "rows", (old, old))
    with writer_lock(folders["held by its writer"]):  # only its clock makes it look old
        sweep(store, data)
    gone = {name for name, folder in folders.items() if not folder.exists()}
    assert gone == {"never", "written after its deletion"}
    sweep(store, data)
    assert not folders["held by its writer"].exists()


def test_a_store_that_was_emptied_makes_no_job_s_files_go(store: WorkerStore, data: Path) -> None:
    job_ids = {ended(store, data), ended(store, data, adapter=True)}
    for job_id in job_ids:
        old = time.time() - 10 * ABANDONED_SECONDS
        os.utime(data / "jobs" / job_id, (old, old))
    store._redis.flushall()
    sweep(store, data, keep_jobs=1, keep_adapters=False)
    assert jobs(data) == job_ids


def test_the_oldest_leave_by_number_and_those_with_an_adapter_only_when_asked(
    store: WorkerStore, data: Path
) -> None:
    plain = [ended(store, data) for _ in range(3)]
    trained = [ended(store, data, adapter=True) for _ in range(3)]
    waiting = submit(store).id
    sweep(store, data, keep_jobs=2)
    assert jobs(data) == {*plain[1:], *trained}
    assert known(store) == {*plain[1:], *trained, waiting}
    sweep(store, data, keep_jobs=2, keep_adapters=False)
    assert jobs(data) == {*trained[1:]}
    assert known(store) == {*trained[1:], waiting}


def test_the_oldest_leave_by_size(store: WorkerStore, data: Path) -> None:
    job_ids = [ended(store, data, size=100_000) for _ in range(4)]
    sweep(store, data, keep_bytes=250_000)
    assert jobs(data) == {*job_ids[2:]}


def test_the_oldest_leave_by_age(store: WorkerStore, data: Path) -> None:
    job_ids = [ended(store, data) for _ in range(3)]
    long_ago = int((time.time() - 3 * 86_400) * 1000)
    store._redis.hset(f"tunedock:job:{job_ids[0]}", "finished_at", long_ago)
    sweep(store, data, keep_days=2)
    assert jobs(data) == {*job_ids[1:]}


def test_jobs_that_ended_long_ago_lose_their_optimizer_states(store: WorkerStore, data: Path) -> None:
    """Those that were kept before there was a sweep; a running job's are what it goes on from."""
    done = ended(store, data)
    running = submit(store).id
    claim_next(store)
    for job_id in (done, running):
        folder = data / "jobs" / job_id / "checkpoints" / "step-5"
        folder.mkdir(parents=True)
        for name in ("adapter.safetensors", "optimizer.safetensors"):
            (folder / name).write_bytes(b"1234")
        (folder / "manifest.json").write_text(json.dumps({"files": {"optimizer.safetensors": {}}}))
    sweep(store, data)
    assert not (data / "jobs" / done / "checkpoints" / "step-5" / "optimizer.safetensors").exists()
    assert (data / "jobs" / done / "checkpoints" / "step-5" / "adapter.safetensors").exists()
    assert (data / "jobs" / running / "checkpoints" / "step-5" / "optimizer.safetensors").exists()


def test_halves_of_uploads_go_and_whole_ones_by_age_when_asked(store: WorkerStore, data: Path) -> None:
    half, old, young = (
        data / "files" / ".incoming-1",
        data / "files" / "file-old",
        data / "files" / "file-young",
    )
    for folder in (half, old, young):
        folder.mkdir()
    for folder, age_days in ((old, 3), (young, 1)):
        described = {"created_at": time.time() - age_days * 86_400}
        (folder / "file.json").write_text(json.dumps(described))
    os.utime(half, (time.time() - ABANDONED_SECONDS - 60,) * 2)
    sweep(store, data)
    assert (half.exists(), old.exists(), young.exists()) == (False, True, True)
    sweep(store, data, keep_upload_days=2)
    assert (old.exists(), young.exists()) == (False, True)


def test_an_upload_goes_when_its_sender_wanted_it_to(store: WorkerStore, data: Path) -> None:
    hour, day = data / "files" / "file-hour", data / "files" / "file-day"
    for folder, expires_seconds in ((hour, 3600), (day, 86_400)):
        folder.mkdir()
        described = {"created_at": time.time() - 7200, "expires_seconds": expires_seconds}
        (folder / "file.json").write_text(json.dumps(described))
    sweep(store, data)
    assert (hour.exists(), day.exists()) == (False, True)
    sweep(store, data, keep_upload_days=0.01)
    assert not day.exists()


def test_files_are_measured_even_while_the_store_is_away(
    store: WorkerStore, data: Path, valkey: Valkey
) -> None:
    ended(store, data, size=100_000)
    valkey.kill()
    assert sweep(store, data) is False
    shown = REGISTRY.get_sample_value("tunedock_data_bytes", {"kind": "reports"})
    assert shown is not None
    assert 100_000 <= shown < 200_000


def test_of_many_jobs_short_and_long_the_oldest_go_and_no_other(tmp_path: Path) -> None:
    """`python -m tests.worker.many_jobs 5000 50` is the same at full size."""
    seen = many_jobs(tmp_path / "many", short=60, long=2, keep=50)
    assert (seen.oldest_gone_and_no_other, seen.folders_agree) == (True, True)
    assert seen.limit_bytes == 512 * 1024**2
    assert 5000 * max(seen.short_job_bytes, seen.long_job_bytes) < 0.1 * seen.limit_bytes
