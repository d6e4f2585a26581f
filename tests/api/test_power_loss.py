"""What the API has said yes to is on the disk, with all its names: a power loss takes none of it away."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.api.uploads import FileShelf
from shared.job_folder import JobFolder
from shared.settings import Settings
from shared.worker_store import WorkerStore
from tests.adapter_folders import lay_out_adapter
from tests.api.conftest import ROWS, Api, jsonl, make_api
from tests.filled_installation import FilledInstallation
from tests.power_loss import ForgetfulDisk


@pytest.fixture
def disk(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[ForgetfulDisk]:
    disk = ForgetfulDisk(settings.data_dir.parent, monkeypatch)
    yield disk
    disk.close()


@pytest.fixture
def api(disk: ForgetfulDisk, settings: Settings, store: WorkerStore) -> Api:
    """Begun on a disk that forgets: its data folder, too, is there only if it was made so."""
    return make_api(settings, store)


def shelf(folder: Path) -> FileShelf:
    return FileShelf(folder, limit_bytes=1024**2, reserve_bytes=0)


def test_an_upload_that_was_answered_is_kept_whole(api: Api, disk: ForgetfulDisk, tmp_path: Path) -> None:
    file_id = api.uploaded()
    left = disk.after_power_loss(tmp_path.parent / f"{tmp_path.name}-after")
    files = shelf(left / "data" / "files")
    assert [file.id for file in files.all()] == [file_id]
    assert files.content(file_id).read_bytes() == jsonl(ROWS)


def test_a_job_that_was_accepted_has_its_spec_and_rows(api: Api, disk: ForgetfulDisk, tmp_path: Path) -> None:
    job_id = str(api.submitted()["id"])
    left = disk.after_power_loss(tmp_path.parent / f"{tmp_path.name}-after")
    folder, before = JobFolder.of(left / "data", job_id), JobFolder.of(api.settings.data_dir, job_id)
    assert json.loads(folder.spec.read_bytes())["id"] == job_id
    rows = folder.rows_of("training").read_bytes()
    assert rows
    assert rows == before.rows_of("training").read_bytes()


def test_a_job_that_only_the_disk_remembers_is_rebuilt_and_not_swept(
    api: Api, disk: ForgetfulDisk, tmp_path: Path
) -> None:
    """As after a power cut under a store that brings its log to disk once a second."""
    record = api.submitted(suffix="kept")
    assert api.settings.store_url is not None
    left = disk.after_power_loss(tmp_path.parent / f"{tmp_path.name}-after")
    api.store._redis.flushall()
    assert not JobFolder.of(left / "data", record["id"]).is_leftover
    here = FilledInstallation(api.store, api.settings.store_url.get_secret_value(), left / "data")
    assert here.repair() == ["record_lost"]
    rebuilt = api.store.get(record["id"])
    assert (rebuilt.status, rebuilt.request) == ("queued", record["request"])
    assert abs(rebuilt.created_at - record["created_at"]) < 0.002


def test_the_key_of_the_api_stays_the_same(api: Api, disk: ForgetfulDisk, tmp_path: Path) -> None:
    left = disk.after_power_loss(tmp_path.parent / f"{tmp_path.name}-after")
    assert (left / "data" / "api.key").read_text().strip() == api.key


def test_a_job_that_was_deleted_does_not_return(api: Api, disk: ForgetfulDisk, tmp_path: Path) -> None:
    job_id = str(api.submitted()["id"])
    lay_out_adapter(api.job_folder(job_id) / "adapter")
    api.store.finish(api.claim(), "succeeded", message="Done", result={"fine_tuned_model": None})
    assert api.delete(f"/v1/jobs/{job_id}").status_code == 200
    left = disk.after_power_loss(tmp_path.parent / f"{tmp_path.name}-after")
    assert not JobFolder.of(left / "data", job_id).path.exists()
