"""Jobs and models on a real store and disk: gone whole, or, after a crash anywhere, at the next sweep."""

import errno
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis

from shared import removal
from shared.errors import (
    IdempotencyMismatch,
    InUse,
    InvalidTransition,
    ModelUnknown,
    NotFound,
    StoreTakesNoWrites,
    StoreUnavailable,
)
from shared.job_folder import JOB_MARK, MODEL_MARK
from shared.job_records import WorkerEvent
from shared.jobs import new_job_id
from shared.keeper_store import KeeperStore
from shared.model_names import fine_tuned_model_id
from shared.removal import GONE, Removal
from shared.schemas.records import JobRecord
from shared.schemas.requests import EvaluationRequest, FineTuningRequest, JobRequest
from shared.worker_store import WorkerStore
from tests.ledger import claim_next
from tests.small_disk import MIB, may_mount, no_more_files, small_disk
from tests.valkey import Valkey


@dataclass(frozen=True)
class Installation:
    """A store and a folder of jobs, with what API and worker leave there."""

    store: WorkerStore
    jobs: Path

    @property
    def removal(self) -> Removal:
        return Removal(KeeperStore.of(self.store), self.jobs)

    def submit(self, request: JobRequest, key: str | None = None) -> JobRecord:
        job_id = new_job_id(request.kind)
        record = self.store.submit(
            job_id,
            request,
            owner="me",
            idempotency_key=key,
            fingerprint="f",
            is_retry=False,
            max_queued_jobs=99,
        ).record
        for name in ("spec.json", "rows/training.jsonl", "accepted"):
            path = self.jobs / record.id / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("{}")
        return record

    def trained(self, key: str | None = None) -> tuple[str, str]:
        """(job id, model id) of a fine-tuning job that succeeded."""
        record = self.submit(FineTuningRequest(model="tiny", training_file="file-1"), key)
        claim = claim_next(self.store)
        self.store.record_events(claim, [WorkerEvent(1, "info", "message", "Loaded", {})])
        for name in (
            "adapter/adapter_config.json",
            "checkpoints/step-1/manifest.json",
            "attempts/1/events.jsonl",
        ):
            path = self.jobs / record.id / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("{}")
        model = fine_tuned_model_id("tiny", None, record.id)
        self.store.finish(claim, "succeeded", message="Done", result={"fine_tuned_model": model})
        return record.id, model

    def evaluating(self, model: str) -> str:
        return self.submit(EvaluationRequest(model="tiny", adapter=model, file="file-1")).id

    def store_keys(self) -> set[str]:
        return {str(key) for key in self.store._redis.keys("*")}

    def files(self) -> set[str]:
        return {str(path.relative_to(self.jobs)) for path in self.jobs.rglob("*") if path.is_file()}


@pytest.fixture
def here(store: WorkerStore, tmp_path: Path) -> Installation:
    (tmp_path / "jobs").mkdir()
    return Installation(store, tmp_path / "jobs")


def test_a_deleted_job_leaves_no_key_no_file_and_no_place_in_a_list(here: Installation) -> None:
    other, _ = here.trained()
    kept_keys, kept_files = here.store_keys(), here.files()
    gone, _ = here.trained()
    here.removal.remove_job(gone)
    with pytest.raises(NotFound):
        here.store.get(gone)
    assert here.files() == kept_files
    where_it_stood = f"tunedock:gone:{gone}"
    assert {key for key in here.store_keys() if gone in key} == {where_it_stood}
    assert 0 < here.store._redis.ttl(where_it_stood) <= 3600
    assert here.store_keys() == {*kept_keys, where_it_stood}  # counters and the like are there all the time
    assert [record.id for record in here.store.list_jobs().records] == [other]
    assert here.store.ended() == [(other, "succeeded")]
    assert here.store.census().records["fine_tuning", "succeeded"] == 1
    assert here.store.census().counters["ended:fine_tuning:succeeded"] == 2  # what happened stays counted
    with pytest.raises(NotFound):
        here.removal.remove_job(gone)


@pytest.mark.parametrize("running", [False, True])
def test_a_job_that_has_not_ended_is_not_deleted(here: Installation, running: bool) -> None:
    job_id = here.submit(FineTuningRequest(model="tiny", training_file="file-1")).id
    if running:
        claim_next(here.store)
    before = here.files()
    with pytest.raises(InvalidTransition, match="Cancel it first"):
        here.removal.remove_job(job_id)
    assert here.files() == before
    assert here.store.get(job_id).status == ("running" if running else "queued")


@pytest.mark.parametrize("running", [False, True])
def test_a_model_that_an_open_job_uses_is_not_deleted(here: Installation, running: bool) -> None:
    job_id, model = here.trained()
    user = here.evaluating(model)
    if running:
        claim_next(here.store)
    before = here.files()
    for remove in (here.removal.remove_job, here.removal.remove_model):
        with pytest.raises(InUse, match=user):
            remove(job_id)
    assert here.files() == before
    here.store.cancel(user)
    if not running:
        here.removal.remove_model(job_id)


def test_a_checkpoint_in_use_keeps_its_job_and_another_job_does_not(here: Installation) -> None:
    job_id, model = here.trained()
    other, _ = here.trained()
    here.evaluating(f"{model}:ckpt-step-1")
    with pytest.raises(InUse):
        here.removal.remove_job(job_id)
    here.removal.remove_job(other)


def test_a_model_that_is_only_talked_about_may_go(here: Installation) -> None:
    job_id, model = here.trained()
    request = FineTuningRequest(model="tiny", training_file="file-1", metadata={"better_than": model})
    here.submit(request)
    here.removal.remove_job(job_id)


def test_a_deleted_model_takes_its_checkpoints_and_leaves_the_record_that_says_so(here: Installation) -> None:
    job_id, model = here.trained()
    here.removal.remove_model(job_id)
    record = here.store.get(job_id)
    assert record.model_deleted_at is not None
    assert record.result == {"fine_tuned_model": model}
    assert here.store.events(job_id).events[0].message == "The model that this job made was deleted."
    assert {name.partition("/")[2] for name in here.files()} == {
        "accepted", "spec.json", "rows/training.jsonl", "attempts/1/events.jsonl", MODEL_MARK,
    }  # fmt: skip
    here.removal.remove_model(job_id)
    assert here.store.get(job_id).model_deleted_at == record.model_deleted_at


def test_no_job_begins_on_a_model_that_is_deleted(here: Installation) -> None:
    """Also where the API had checked the name just before."""
    job_id, model = here.trained()
    here.removal.remove_model(job_id)
    with pytest.raises(ModelUnknown, match="was deleted"):
        here.evaluating(model)
    gone, its_model = here.trained()
    here.removal.remove_job(gone)
    with pytest.raises(ModelUnknown, match="was deleted"):
        here.evaluating(f"{its_model}:ckpt-step-1")


def test_the_key_of_a_deleted_job_makes_no_second_job(here: Installation) -> None:
    job_id, _ = here.trained(key="once")
    here.removal.remove_job(job_id)
    with pytest.raises(IdempotencyMismatch, match="which is deleted"):
        here.submit(FineTuningRequest(model="tiny", training_file="file-1"), key="once")
    with pytest.raises(IdempotencyMismatch, match="which is deleted"):
        here.store.find_repeat(owner="me", idempotency_key="once", fingerprint="f", is_retry=False)
    assert here.store.find_repeat(owner="me", idempotency_key=None, fingerprint="f", is_retry=True) is None


class Crash(BaseException):
    """The process dies here."""


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("name", ["_mark", "delete_job", "fsync_path", "rmtree"])
def test_a_deletion_that_a_crash_cuts_short_is_finished_or_never_began(
    here: Installation, monkeypatch: pytest.MonkeyPatch, name: str, after: bool
) -> None:
    job_id, _ = here.trained()
    other, _ = here.trained()
    before = {file for file in here.files() if file.startswith(other)}
    owner: Any = {"delete_job": KeeperStore, "rmtree": shutil}.get(name, removal)
    real = getattr(owner, name)

    def die(*arguments: Any, **named: Any) -> None:
        if after:
            real(*arguments, **named)
        raise Crash

    with monkeypatch.context() as patched:
        patched.setattr(owner, name, die)
        with pytest.raises(Crash):
            here.removal.remove_job(job_id)
    known = {record.id for record in here.store.list_jobs().records}
    if job_id in known:
        assert (
            here.jobs / job_id / "adapter" / "adapter_config.json"
        ).exists()  # it names nothing that is gone
    here.removal.finish()
    here.removal.finish()
    if (name, after) == ("_mark", False):
        assert job_id in {record.id for record in here.store.list_jobs().records}
        return
    assert here.files() == before
    assert list(here.jobs.glob(f"{GONE}*")) == []
    with pytest.raises(NotFound):
        here.removal.remove_job(job_id)


def test_a_model_s_deletion_that_a_crash_cuts_short_is_finished(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id, _ = here.trained()

    def die(*_: object) -> None:
        raise Crash

    with monkeypatch.context() as patched:
        patched.setattr(Removal, "_discard", die)
        with pytest.raises(Crash):
            here.removal.remove_model(job_id)
    assert here.store.get(job_id).model_deleted_at is not None
    assert here.removal.finish() == [job_id]
    assert not (here.jobs / job_id / "adapter").exists()
    assert here.removal.finish() == []


@pytest.mark.parametrize("number", [errno.EROFS, errno.EIO, errno.ENOSPC])
@pytest.mark.parametrize("what", ["job", "model"])
def test_a_deletion_that_the_disk_does_not_let_end_is_not_called_finished(
    here: Installation, monkeypatch: pytest.MonkeyPatch, what: str, number: int
) -> None:
    job_id, _ = here.trained()

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", refuse)
        getattr(here.removal, f"remove_{what}")(job_id)
        assert here.removal.finish() == []
        assert (here.jobs / job_id / "adapter").exists()
    assert here.removal.finish() == [job_id]
    assert not (here.jobs / job_id / "adapter").exists()
    assert here.removal.finish() == []


def test_a_store_that_forgot_its_jobs_makes_no_file_go(here: Installation) -> None:
    """Emptied, or restored from a backup of long ago."""
    job_id, _ = here.trained()
    before = here.files()
    here.store._redis.flushall()
    assert here.removal.finish() == []
    assert here.files() == before
    with pytest.raises(NotFound):
        here.removal.remove_job(job_id)
    assert here.files() == before


def test_a_store_that_forgot_a_model_s_deletion_is_told_again(here: Installation) -> None:
    """Its record would name an adapter that is gone."""
    job_id, _ = here.trained()
    here.removal.remove_model(job_id)
    here.store._redis.hdel(f"tunedock:job:{job_id}", "model_deleted_at")
    here.removal.finish()
    assert here.store.get(job_id).model_deleted_at is not None


def test_a_deletion_that_found_the_store_away_is_finished_later(here: Installation, valkey: Valkey) -> None:
    job_id, _ = here.trained()
    real = here.store.get(job_id)
    assert real.status == "succeeded"
    (here.jobs / job_id / JOB_MARK).touch()  # as `remove_job` does before it asks
    with valkey.frozen(), pytest.raises(StoreUnavailable):
        here.removal.finish()
    assert (here.jobs / job_id / "adapter").is_dir()
    assert here.removal.finish() == [job_id]
    assert here.files() == set()


def test_a_full_store_can_still_be_emptied(here: Installation) -> None:
    job_ids = [here.trained()[0] for _ in range(3)]
    here.store._redis.config_set("maxmemory", 1)
    with pytest.raises((StoreUnavailable, redis.OutOfMemoryError)):
        here.submit(FineTuningRequest(model="tiny", training_file="file-1"))
    for job_id in job_ids:
        here.removal.remove_job(job_id)
    here.store._redis.config_set("maxmemory", 0)
    assert here.store.list_jobs().records == ()


def test_what_ended_is_listed_with_what_decides_over_it(here: Installation) -> None:
    first, _ = here.trained()
    second, _ = here.trained()
    here.submit(FineTuningRequest(model="tiny", training_file="file-1"))
    here.removal.remove_model(second)
    found = {job.id: job for job in KeeperStore.of(here.store).ended_jobs()}
    assert {job_id: job.model_deleted for job_id, job in found.items()} == {first: False, second: True}
    assert found[first].finished_at == here.store.get(first).finished_at
    assert found[first].number < found[second].number


def test_no_late_call_of_a_worker_brings_a_deleted_job_back(here: Installation) -> None:
    job_id = here.submit(FineTuningRequest(model="tiny", training_file="file-1")).id
    claim = claim_next(here.store)
    here.store.finish(claim, "failed", message="Failed", error={"code": "a", "message": "b", "remedy": "c"})
    here.removal.remove_job(job_id)
    before = here.store_keys()
    event = WorkerEvent(1, "info", "message", "Late", {})
    verdicts = {
        here.store.beat(claim, lease_seconds=60, progress={"stage": "x"}),
        here.store.record_events(claim, [event]),
        here.store.checkpoint(claim, 5),
        here.store.publish(claim),
        here.store.release(claim),
        here.store.finish(claim, "succeeded", message="Done", result={}),
    }
    assert verdicts == {"missing"}
    with pytest.raises(NotFound):
        here.store.cancel(job_id)
    assert here.store_keys() == before


@pytest.mark.parametrize("what", ["remove_job", "remove_model"])
def test_a_store_that_takes_no_writes_leaves_all_as_it_was(here: Installation, what: str) -> None:
    """The refusal says that nothing was accepted: no later sweep may do it all the same."""
    job_id, _ = here.trained()
    before = here.files()
    here.store._redis.replicaof("127.0.0.1", "1")
    with pytest.raises(StoreTakesNoWrites):
        getattr(here.removal, what)(job_id)
    here.store._redis.replicaof("NO", "ONE")
    assert here.files() == before
    assert here.removal.finish() == []
    assert here.files() == before


def test_a_refused_deletion_leaves_no_mark_for_later(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even where the process dies before it can take the mark back: the job may have ended by then."""
    job_id = here.submit(FineTuningRequest(model="tiny", training_file="file-1")).id

    def die(*_: object) -> None:
        raise Crash

    with monkeypatch.context() as patched:
        patched.setattr(removal, "_unmark", die)
        with pytest.raises((InvalidTransition, Crash)):
            here.removal.remove_job(job_id)
    here.store.cancel(job_id)
    assert here.removal.finish() == []
    assert here.store.get(job_id).status == "cancelled"


def test_jobs_are_deleted_page_by_page_without_one_being_missed(here: Installation) -> None:
    """The next page is asked for by a job that is gone by then."""
    job_ids = [here.trained()[0] for _ in range(5)]
    seen, after = [], None
    while page := here.store.list_jobs(after=after, limit=2).records:
        for record in page:
            here.removal.remove_job(record.id)
            seen.append(record.id)
        after = seen[-1]
    assert seen == job_ids[::-1]
    with pytest.raises(NotFound):
        here.store.list_jobs(after="ftjob-never")


@pytest.mark.parametrize("what", ["remove_job", "remove_model"])
def test_a_disk_without_room_for_one_more_file_can_still_be_emptied(
    store: WorkerStore, tmp_path: Path, need: Callable[[bool, str], None], what: str
) -> None:
    need(may_mount(), "the right to mount a filesystem")
    disk = tmp_path / "disk"
    with small_disk(disk, MIB):
        (disk / "jobs").mkdir()
        here = Installation(store, disk / "jobs")
        job_id, _ = here.trained()
        no_more_files(disk)
        with pytest.raises(OSError, match="No space left"):
            (disk / "file").touch()
        getattr(here.removal, what)(job_id)
        assert not (here.jobs / job_id / "adapter").exists()
        assert list(here.jobs.glob(f"{GONE}*")) == []
