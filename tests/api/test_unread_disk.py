"""A disk that fails under a read is told as that, with what to do: it is no bug and no missing file."""

import errno
import logging
import os
from pathlib import Path

import pytest

from services.api.unread_disk import read_refusal
from shared.disk_errors import FULL, TAKES_NOTHING
from shared.settings import Settings
from tests.api.conftest import Api
from tests.api.desk import Browser

FAILS_AT_ITS_FIRST_BYTE = Path("/proc/self/mem")  # with EIO, which a read of an unmapped page is


def job_with_unreadable_report(api: Api) -> str:
    job_id, claim = str(api.submitted()["id"]), api.claim()
    (api.job_folder(job_id) / "report.json").symlink_to(FAILS_AT_ITS_FIRST_BYTE)
    api.store.finish(claim, "succeeded", message="Done", result={"train_loss": 0.5})
    return job_id


def test_a_read_that_fails_is_a_503_that_says_whose_files_and_what_to_do(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    job_id = job_with_unreadable_report(api)
    with caplog.at_level(logging.WARNING):
        answer = api.get(f"/v1/jobs/{job_id}/report")
    problem = answer.get_json()
    assert (answer.status_code, problem["code"]) == (503, "disk_unreadable")
    assert answer.headers["Retry-After"] == "30"
    for said in ("The disk with the files of jobs fails now", os.strerror(errno.EIO), "dmesg", "ask again"):
        assert said in problem["detail"]
    assert problem["error"]["type"] == "server_error"
    told = [record for record in caplog.records if record.message == "a disk fails"]
    assert [one.__dict__["fields"]["request_id"] for one in told] == [problem["request_id"]]
    assert api.get(f"/v1/jobs/{job_id}").get_json()["result"] == {"train_loss": 0.5}  # the store has it


def test_the_page_of_a_job_whose_files_can_t_be_read_says_so(api: Api) -> None:
    job_id = job_with_unreadable_report(api)
    answer = Browser.with_session(api).get(f"/jobs/{job_id}")
    assert answer.status_code == 503
    assert answer.mimetype == "text/html"
    assert "The disk with the files of jobs fails now" in answer.text


def test_an_upload_whose_disk_fails_is_not_called_missing(api: Api) -> None:
    file_id = api.uploaded()
    note = api.settings.data_dir / "files" / file_id / "file.json"
    note.unlink()
    note.symlink_to(FAILS_AT_ITS_FIRST_BYTE)
    answer = api.get(f"/v1/files/{file_id}")
    assert (answer.status_code, answer.get_json()["code"]) == (503, "disk_unreadable")
    assert "the uploaded files" in answer.get_json()["detail"]


@pytest.mark.parametrize("number", [number for number in TAKES_NOTHING if number not in FULL])
def test_every_error_that_is_the_disk_s_is_told_with_the_system_s_words(number: int) -> None:
    refusal = read_refusal(OSError(number, os.strerror(number)), "/v1/jobs/ftjob-1", Settings())
    assert refusal is not None
    assert (refusal.status, refusal.code) == (503, "disk_unreadable")
    assert os.strerror(number) in refusal.message


def test_a_full_disk_is_told_as_to_a_sender() -> None:
    refusal = read_refusal(OSError(errno.ENOSPC, "full"), "/v1/jobs", Settings())
    assert refusal is not None
    assert (refusal.status, refusal.code) == (507, "disk_full")


@pytest.mark.parametrize("number", [errno.ENOENT, errno.EACCES, errno.EMFILE])
def test_what_is_no_disk_s_fault_stays_ours(number: int) -> None:
    assert read_refusal(OSError(number, os.strerror(number)), "/v1/jobs", Settings()) is None


def test_the_file_in_the_error_decides_before_the_address(tmp_path: Path) -> None:
    settings = Settings(
        data_dir=tmp_path / "data", models_dir=tmp_path / "models", host_hf_cache=tmp_path / "hub"
    )
    places = {
        settings.data_dir / "jobs" / "ftjob-1" / "report.json": "the files of jobs",
        settings.data_dir / "files" / "file-1" / "content": "the uploaded files",
        settings.models_dir / "mine" / "config.json": "the model folders",
        tmp_path / "hub" / "hub" / "models--a--b": "the cache of models",
        tmp_path / "elsewhere": "Tunedock's files",
    }
    for path, said in places.items():
        refusal = read_refusal(OSError(errno.ESTALE, "Stale file handle", str(path)), "/v1/none", settings)
        assert refusal is not None
        assert f"The disk with {said} fails now" in refusal.message
