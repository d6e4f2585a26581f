"""Damages made on a real store and disk: each is found, mended, and found no more; then jobs go on."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis

from shared.acceptance import Acceptance, acceptance_of
from shared.adapters import CONFIG, WEIGHTS
from shared.errors import NotFound
from shared.event_log import EventLog
from shared.job_folder import JobFolder
from shared.journal import journal_events
from shared.schemas.requests import LoadDiagnosticRequest
from shared.sealed_folder import MANIFEST
from shared.small_files import read_small
from shared.worker_store import WorkerStore
from tests.filled_installation import TRAINING, FilledInstallation, sealed
from tests.valkey import Valkey


@pytest.fixture
def here(store: WorkerStore, valkey: Valkey, tmp_path: Path) -> FilledInstallation:
    data_dir = tmp_path / "data"
    (data_dir / "jobs").mkdir(parents=True)
    return FilledInstallation(store, valkey.url, data_dir)


def test_a_healthy_installation_has_no_trouble(here: FilledInstallation) -> None:
    here.submit()
    here.submit(LoadDiagnosticRequest(model="tiny"))
    here.trained()
    here.submit()
    assert here.look() == []


def test_every_record_comes_back_when_the_store_is_lost(here: FilledInstallation) -> None:
    done, waiting = here.submit(), here.submit(key="k")
    here.trained()
    running = waiting
    here.begin()
    last = here.submit(LoadDiagnosticRequest(model="tiny"))
    before = {job_id: here.store.get(job_id) for job_id in (done, running, last)}
    here.redis().flushall()
    assert here.repair() == ["record_lost"] * 3
    after = {job_id: here.store.get(job_id) for job_id in before}
    assert {job_id: record.status for job_id, record in after.items()} == {
        done: "succeeded",
        running: "queued",
        last: "queued",
    }
    for job_id, record in after.items():
        assert record.request == before[job_id].request
        assert abs(record.created_at - before[job_id].created_at) < 0.002
        assert record.attempt == before[job_id].attempt
    assert after[done].result == before[done].result
    assert [record.id for record in here.store.list_jobs().records] == [last, running, done]
    assert here.claim().attempt == 2  # above what wrote to the disk, and the older job first
    again = here.store.submit(
        "ftjob-x",
        TRAINING,
        owner="local",
        idempotency_key="k",
        fingerprint="f",
        is_retry=False,
        max_queued_jobs=9,
    )
    assert (again.created, again.record.id) == (False, running)


def test_jobs_that_wait_for_others_do_so_still_when_the_store_is_lost(here: FilledInstallation) -> None:
    first = here.submit()
    waiting = here.submit(TRAINING.model_copy(update={"after": [first], "priority": -3}))
    further = here.submit(TRAINING.model_copy(update={"after": [waiting]}))
    here.redis().flushall()
    assert here.repair() == ["record_lost"] * 3
    record = here.store.get(waiting)
    assert (record.priority, record.waits_for, record.queue_position) == (-3, [first], None)
    here.trained()
    assert here.store.get(waiting).queue_position == 1
    here.store.cancel(waiting)
    assert here.store.get(further).status == "cancelled"


@pytest.mark.parametrize("is_known", [True, False])
def test_a_job_that_waits_for_one_that_ended_long_ago_may_start(
    here: FilledInstallation, is_known: bool
) -> None:
    first = here.submit()
    waiting = here.submit(TRAINING.model_copy(update={"after": [first]}))
    here.trained()
    raw = here.redis()
    raw.hset(f"tunedock:job:{waiting}", "waits_for", first if is_known else "ftjob-" + "a" * 24)
    raw.zrem("tunedock:queued", waiting)
    raw.zadd("tunedock:waiting", {waiting: 2})
    assert here.repair() == ["lists_disagree"]
    assert here.look() == []
    assert here.store.get(waiting).queue_position == 1


def test_a_rebuilt_job_still_tells_each_of_its_steps(here: FilledInstallation) -> None:
    here.submit()
    done = here.trained()
    here.redis().flushall()
    here.repair()
    events = EventLog(here.store, here.data_dir).page(done, limit=50).events
    assert [event.data.get("step") for event in events if event.type == "metrics"] == [4, 3, 2, 1]
    assert "rebuilt" in events[0].message


def test_a_spec_without_a_mark_brings_no_job_to_life(here: FilledInstallation) -> None:
    refused = here.submit()
    here.folder(refused).accepted.unlink()
    here.redis().flushall()
    assert here.repair() == ["never_accepted"]
    with pytest.raises(NotFound):
        here.store.get(refused)
    assert f"jobs/{refused}/spec.json" in here.aside()


def test_a_submit_that_is_under_way_is_left_alone(here: FilledInstallation) -> None:
    here.is_running = True
    job_id = here.submit()
    here.folder(job_id).accepted.unlink()
    here.redis().flushall()
    assert here.look() == []


def test_an_older_store_learns_what_happened_since(here: FilledInstallation) -> None:
    ended, begun, waiting = here.submit(), here.submit(), here.submit()
    raw = redis.Redis.from_url(here.url)
    old = {key: raw.dump(key) or b"" for key in raw.keys("tunedock:*")}
    here.trained()
    here.begin()
    new = here.submit()
    here.redis().flushall()
    for key, value in old.items():
        raw.restore(key, 0, value)
    assert sorted(here.repair()) == ["attempt_behind", "ended_on_disk", "record_lost"]
    assert here.store.get(ended).status == "succeeded"
    assert here.store.get(begun).attempt == 1
    assert [here.claim().job_id for _ in range(3)] == [begun, waiting, new]


def garble(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


@dataclass(frozen=True)
class Damage:
    """`do` harms the first job, which waits, runs or has succeeded; `codes` is what is found."""

    name: str
    state: str
    do: Callable[[FilledInstallation, str], object]
    codes: list[str]
    status: str | None = None


def _hset(name: str, value: str | bytes) -> Callable[[FilledInstallation, str], object]:
    return lambda here, job: here.redis().hset(f"tunedock:job:{job}", name, value)


def _into(key: str) -> Callable[[FilledInstallation, str], object]:
    return lambda here, job: here.redis().zadd(key, {job: 7})


def _unlink(part: str) -> Callable[[FilledInstallation, str], object]:
    return lambda here, job: (here.folder(job).path / part).unlink()


def _garble(part: str) -> Callable[[FilledInstallation, str], object]:
    return lambda here, job: garble(here.folder(job).path / part)


def _away(here: FilledInstallation, job: str) -> None:
    here.folder(job).path.rename(here.data_dir / "elsewhere")


def _copy_model(here: FilledInstallation, job: str) -> None:
    sealed(here.data_dir / "models" / "copy", (WEIGHTS, CONFIG))
    garble(here.data_dir / "models" / "copy" / WEIGHTS)


def _upload(here: FilledInstallation, job: str) -> None:
    folder = here.data_dir / "files" / "file-1"
    folder.mkdir(parents=True)
    (folder / "file.json").write_text('{"bytes": 5, "sha256": "x"}')


def _incoming(here: FilledInstallation, job: str) -> None:
    (here.data_dir / "files" / ".incoming-1").mkdir(parents=True)


def _unreadable_spec(here: FilledInstallation, job: str) -> None:
    here.folder(job).spec.unlink()
    here.folder(job).spec.mkdir()


def _endless(here: FilledInstallation, job: str) -> None:
    here.folder(job).spec.unlink()
    here.folder(job).spec.symlink_to("/dev/zero")


def _attempt_of_20_digits(here: FilledInstallation, job: str) -> None:
    (here.folder(job).path / "attempts" / ("9" * 20)).mkdir(parents=True)


QUEUED, RUNNING = "tunedock:queued", "tunedock:running"
DAMAGES = [
    Damage("a waiting job lost its folder", "queued", _away, ["folder_lost"], "failed"),
    Damage("an ended job lost its folder", "succeeded", _away, ["folder_lost"], "succeeded"),
    Damage(
        "a waiting job lost its rows", "queued", _unlink("rows/training.jsonl"), ["job_files_lost"], "failed"
    ),
    Damage("a waiting job lost its spec", "queued", _unlink("spec.json"), ["job_files_lost"], "failed"),
    Damage("a waiting job's spec is garbled", "queued", _garble("spec.json"), ["job_files_lost"], "failed"),
    Damage("a waiting job's spec is endless", "queued", _endless, ["job_files_lost"], "failed"),
    Damage("an attempt has a number that none has", "queued", _attempt_of_20_digits, [], "queued"),
    Damage("an ended job lost its spec", "succeeded", _unlink("spec.json"), ["spec_lost"], "succeeded"),
    Damage("a job runs and nobody runs it", "running", lambda *_: None, ["claimed_by_nobody"], "queued"),
    Damage("result.json is gone", "succeeded", _unlink("result.json"), ["copy_lost"], "succeeded"),
    Damage("result.json is garbled", "succeeded", _garble("result.json"), ["copy_damaged"], "succeeded"),
    Damage(
        "the adapter is garbled", "succeeded", _garble(f"adapter/{WEIGHTS}"), ["adapter_damaged"], "succeeded"
    ),
    Damage(
        "a checkpoint is half there",
        "running",
        _unlink(f"checkpoints/step-4/{MANIFEST}"),
        ["claimed_by_nobody", "checkpoint_damaged"],
        "queued",
    ),
    Damage("the status can't be one", "queued", _hset("status", "quexed"), ["record_damaged"], "queued"),
    Damage(
        "bytes of the request are no text",
        "queued",
        _hset("request", b'{"kind": \xff'),
        ["record_damaged"],
        "queued",
    ),
    Damage(
        "the request is another",
        "queued",
        _hset("request", '{"kind":"fine_tuning"}'),
        ["record_differs"],
        "queued",
    ),
    Damage(
        "the result can't be read", "succeeded", _hset("result", '{"steps'), ["record_damaged"], "succeeded"
    ),
    Damage(
        "the status of an ended job can't be one",
        "succeeded",
        lambda here, job: (_hset("status", "suxceeded")(here, job), _unlink("result.json")(here, job)),
        ["record_damaged"],
        "succeeded",
    ),
    Damage(
        "in two lists", "queued", _into("tunedock:index:fine_tuning:paused"), ["lists_disagree"], "queued"
    ),
    Damage("waiting and running", "queued", _into(RUNNING), ["lists_disagree"], "queued"),
    Damage("an ended job waits", "succeeded", _into(QUEUED), ["lists_disagree"], "succeeded"),
    Damage(
        "in no list", "queued", lambda here, job: here.redis().zrem(QUEUED, job), ["lists_disagree"], "queued"
    ),
    Damage(
        "the queue names a job that is not",
        "queued",
        lambda here, job: here.redis().zadd(QUEUED, {"ftjob-" + "a" * 24: 1}),
        ["name_without_record"],
        "queued",
    ),
    Damage(
        "the number of jobs went back",
        "queued",
        lambda here, job: here.redis().set("tunedock:number", 0),
        ["counts_wrong"],
        "queued",
    ),
    Damage(
        "a count is no number",
        "succeeded",
        lambda here, job: here.redis().hset("tunedock:counters", "ended:fine_tuning:succeeded", "1x"),
        ["counts_wrong"],
        "succeeded",
    ),
    Damage("a copy of a model is garbled", "queued", _copy_model, ["model_copy_damaged"], "queued"),
    Damage("an upload has no bytes", "queued", _upload, ["upload_damaged"], "queued"),
    Damage("an upload never ended", "queued", _incoming, ["upload_unfinished"], "queued"),
]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.name)
def test_each_damage_is_found_and_mended_once(here: FilledInstallation, damage: Damage) -> None:
    job = here.submit()
    if damage.state != "queued":
        claim = here.begin()
        if damage.state == "succeeded":
            here.end(claim, adapter=True)
    other = here.submit()
    damage.do(here, job)
    assert here.repair() == damage.codes
    assert here.store.get(job).status == damage.status
    waiting = [job, other] if damage.status == "queued" else [other]
    assert [here.claim().job_id for _ in waiting] == waiting
    assert here.claim_nothing()


def test_a_file_that_cannot_be_read_is_told_and_left(here: FilledInstallation) -> None:
    job = here.submit()
    _unreadable_spec(here, job)
    found = here.look()
    assert [(one.code, one.mend) for one in found] == [("not_readable", None)]
    assert job in found[0].about
    assert here.store.get(job).status == "queued"


@pytest.mark.parametrize("mark", ['{"number": -5}', '{"created_at": 1e300}', '{"number": 3.5}'])
def test_a_mark_with_numbers_that_no_store_gives_is_an_empty_one(tmp_path: Path, mark: str) -> None:
    folder = JobFolder(tmp_path)
    folder.accepted.write_text(mark)
    assert acceptance_of(folder) == Acceptance()


@pytest.mark.parametrize("kind", ["a pipe", "an endless device", "a folder"])
def test_what_is_no_file_is_read_as_no_journal_and_holds_nobody_up(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "events.jsonl"
    if kind == "a pipe":
        os.mkfifo(path)
    elif kind == "a folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero")
    assert list(journal_events(path)) == []
    with pytest.raises((OSError, ValueError)):
        read_small(path)
