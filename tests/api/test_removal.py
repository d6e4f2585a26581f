"""DELETE of jobs and models over HTTP: what ended goes whole, what is open or in use stays."""

import errno
import io
import json
import os
from pathlib import Path
from typing import Any

import pytest

from services.api import job_rows
from shared.keeper_store import KeeperStore
from shared.model_names import fine_tuned_model_id
from shared.removal import Removal
from shared.settings import Settings
from shared.worker_store import WorkerStore
from tests.adapter_folders import CHECKPOINT_FILES, lay_out_adapter
from tests.api.conftest import Api, make_api


def trained(api: Api) -> tuple[str, str]:
    """(job id, model id) of a fine-tuning job that succeeded, its adapter and a checkpoint on disk."""
    job_id = str(api.submitted()["id"])
    claim = api.claim()
    lay_out_adapter(api.job_folder(job_id) / "adapter")
    lay_out_adapter(api.job_folder(job_id) / "checkpoints" / "step-3", CHECKPOINT_FILES)
    model = fine_tuned_model_id("tiny", None, job_id)
    api.store.finish(claim, "succeeded", message="Done", result={"fine_tuned_model": model})
    return job_id, model


def evaluation(api: Api, model: str) -> dict[str, Any]:
    body = {"kind": "evaluation", "adapter": model, "file": api.uploaded()}
    answer = api.post("/v1/jobs", json=body)
    assert answer.status_code == 202, answer.text
    return dict(answer.get_json())


def test_a_deleted_job_is_unknown_afterwards(api: Api) -> None:
    job_id, model = trained(api)
    answer = api.delete(f"/v1/jobs/{job_id}")
    assert (answer.status_code, answer.get_json()) == (200, {"id": job_id, "object": "job", "deleted": True})
    assert not api.job_folder(job_id).exists()
    for path in (f"/v1/jobs/{job_id}", f"/v1/jobs/{job_id}/events", f"/v1/jobs/{job_id}/adapter",
                 f"/v1/fine_tuning/jobs/{job_id}", f"/v1/models/{model}"):  # fmt: skip
        assert api.get(path).status_code == 404, path
    assert api.delete(f"/v1/jobs/{job_id}").status_code == 404


def test_an_open_job_is_refused_with_what_to_do(api: Api) -> None:
    job_id = str(api.submitted()["id"])
    for _ in range(2):
        answer = api.delete(f"/v1/jobs/{job_id}")
        assert (answer.status_code, answer.get_json()["code"]) == (409, "invalid_transition")
        assert f"/v1/jobs/{job_id}/cancel" in answer.get_json()["detail"]
        if api.store.get(job_id).status == "queued":
            api.claim()
    assert api.job_folder(job_id).is_dir()


def test_a_model_in_use_is_refused_with_the_job_that_uses_it(api: Api) -> None:
    job_id, model = trained(api)
    user = evaluation(api, model)["id"]
    for path in (f"/v1/models/{model}", f"/v1/jobs/{job_id}"):
        answer = api.delete(path)
        assert (answer.status_code, answer.get_json()["code"]) == (409, "in_use")
        assert user in answer.get_json()["detail"]
    api.post(f"/v1/jobs/{user}/cancel")
    assert api.delete(f"/v1/models/{model}").status_code == 200


def test_a_deleted_model_is_gone_from_every_page_and_its_job_stays(api: Api) -> None:
    job_id, model = trained(api)
    answer = api.delete(f"/v1/models/{model}")
    assert answer.get_json() == {"id": model, "object": "model", "deleted": True}
    record = api.get(f"/v1/jobs/{job_id}").get_json()
    assert (record["status"], record["result"]["fine_tuned_model"]) == ("succeeded", model)
    assert record["model_deleted_at"] >= record["finished_at"]
    for refused in (api.get(f"/v1/models/{model}"), api.delete(f"/v1/models/{model}")):
        assert (refused.status_code, refused.get_json()["error"]["param"]) == (404, "model")
        assert refused.get_json()["detail"].startswith(f"The fine-tuned model {model} was deleted. ")
    assert model not in [item["id"] for item in api.get("/v1/models").get_json()["data"]]
    shown = api.get(f"/v1/fine_tuning/jobs/{job_id}").get_json()
    assert shown["fine_tuned_model"] is None
    assert [file[:12] for file in shown["result_files"]] == ["file-metrics"]
    assert api.get(f"/v1/jobs/{job_id}/adapter").status_code == 404
    assert api.get(f"/v1/fine_tuning/jobs/{job_id}/checkpoints").get_json()["data"] == []
    body = {"kind": "evaluation", "adapter": model, "file": api.uploaded()}
    assert api.post("/v1/jobs", json=body).get_json()["code"] == "model_not_found"
    assert api.delete(f"/v1/models/{model}").status_code == 404


@pytest.mark.parametrize("model", ["tiny", "SmolLM2-135M-Instruct", "organisation/name"])
def test_a_base_model_is_not_deleted_over_http(api: Api, model: str) -> None:
    answer = api.delete(f"/v1/models/{model}")
    assert 400 <= answer.status_code < 500
    assert "base model" in answer.get_json()["detail"]
    assert (api.settings.models_dir / "tiny").is_dir()


@pytest.mark.parametrize("model", ["ft:tiny:tunedock:abc", "nothing", "..", "%2e%2e%2fjobs"])
def test_a_model_that_is_none_is_unknown(api: Api, model: str) -> None:
    assert api.delete(f"/v1/models/{model}").status_code == 404


def test_a_file_may_go_while_the_job_that_named_it_waits(api: Api) -> None:
    """The job has its own copy of the rows."""
    file_id = api.uploaded()
    job_id = str(api.submitted(training_file=file_id)["id"])
    assert api.delete(f"/v1/files/{file_id}").status_code == 200
    assert (api.job_folder(job_id) / "rows" / "training.jsonl").stat().st_size > 0


def pruned(api: Api, **body: Any) -> dict[str, Any]:
    answer = api.post("/v1/prune", json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.get_json())


def failed(api: Api) -> str:
    job_id = str(api.submitted()["id"])
    api.store.finish(
        api.claim(), "failed", message="Failed", error={"code": "x", "message": "y", "remedy": "z"}
    )
    return job_id


def test_a_dry_run_shows_exactly_what_goes_then(api: Api) -> None:
    old, *young = [failed(api) for _ in range(3)]
    waiting = str(api.submitted()["id"])
    shown = pruned(api, dry_run=True, keep_jobs=2)
    [job] = shown["data"]
    assert (job["id"], job["status"], job["rule"], job["has_adapter"]) == (old, "failed", "count", False)
    assert job["why"] == "2 jobs are newer, and 2 are kept."
    assert 0 < job["bytes"] == shown["bytes"]
    assert api.get(f"/v1/jobs/{old}").status_code == 200
    assert pruned(api, dry_run=False, keep_jobs=2) == {**shown, "dry_run": False}
    assert api.get(f"/v1/jobs/{old}").status_code == 404
    assert not api.job_folder(old).exists()
    listed = [item["id"] for item in api.get("/v1/jobs").get_json()["data"]]
    assert listed == [waiting, *reversed(young)]


def test_jobs_with_an_adapter_or_a_checkpoint_are_pruned_only_when_asked(api: Api) -> None:
    job_id, model = trained(api)
    without_model, deleted_model = trained(api)
    assert api.delete(f"/v1/models/{deleted_model}").status_code == 200
    stopped = failed(api)
    checkpoint = api.job_folder(stopped) / "checkpoints" / "step-3"
    checkpoint.mkdir(parents=True)
    (checkpoint / "manifest.json").write_text("{}")
    shown = pruned(api, dry_run=True, keep_jobs=0)
    assert [job["id"] for job in shown["data"]] == [without_model]
    user = evaluation(api, model)["id"]
    shown = pruned(api, dry_run=True, keep_jobs=0, adapters=True)
    assert [job["id"] for job in shown["data"]] == [without_model, stopped]
    api.post(f"/v1/jobs/{user}/cancel")
    gone = pruned(api, dry_run=False, keep_jobs=0, adapters=True)
    assert {job["id"] for job in gone["data"]} == {job_id, without_model, stopped, user}


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "dry_run"),
        ({"dry_run": "perhaps"}, "dry_run"),
        ({"dry_run": True, "keep_jobs": -1}, "keep_jobs"),
        ({"dry_run": True, "keep_days": 1e999}, "keep_days"),
        ({"dry_run": True, "keep": 1}, "keep"),
    ],
)
def test_nothing_is_pruned_by_a_request_that_does_not_say_what(
    api: Api, body: dict[str, Any], path: str
) -> None:
    job_id = failed(api)
    answer = api.post("/v1/prune", data=json.dumps(body), content_type="application/json")
    assert answer.status_code in (400, 422)
    assert answer.status_code == 400 or answer.get_json()["errors"][0]["path"] == path
    assert api.get(f"/v1/jobs/{job_id}").status_code == 200


def test_a_checkpoint_goes_with_its_model_only(api: Api) -> None:
    _, model = trained(api)
    answer = api.delete(f"/v1/models/{model}:ckpt-step-3")
    assert answer.status_code in (400, 422)
    assert model in answer.get_json()["detail"]
    assert api.get(f"/v1/models/{model}:ckpt-step-3").status_code == 200


@pytest.mark.parametrize(
    ("number", "says"), [(errno.EROFS, "may only be read"), (errno.EIO, "Input/output error")]
)
def test_a_disk_that_takes_no_deletion_is_told_and_the_job_stays(
    api: Api, monkeypatch: pytest.MonkeyPatch, number: int, says: str
) -> None:
    job_id = api.submitted()["id"]
    api.post(f"/v1/jobs/{job_id}/cancel")

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", refuse)
        answer = api.delete(f"/v1/jobs/{job_id}")
    assert (answer.status_code, answer.get_json()["code"]) == (507, "disk_full")
    assert says in answer.get_json()["detail"]
    assert api.get(f"/v1/jobs/{job_id}").status_code == 200
    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", refuse)  # after the mark: it is decided, and a sweep ends it
        assert api.delete(f"/v1/jobs/{job_id}").status_code == 200
    assert api.job_folder(job_id).exists()
    assert list(Removal(KeeperStore.of(api.store), api.job_folder(job_id).parent).finish()) == [job_id]
    assert not api.job_folder(job_id).exists()


def test_a_job_that_a_full_store_refuses_leaves_no_rows(api: Api) -> None:
    """Every try would leave a copy of its rows until the next day."""
    file_id = api.uploaded()
    api.store._redis.config_set("maxmemory", 1)
    try:
        body = {"kind": "fine_tuning", "model": "tiny", "training_file": file_id}
        answers = [api.post("/v1/jobs", json=body) for _ in range(2)]
    finally:
        api.store._redis.config_set("maxmemory", 0)
    assert [(answer.status_code, answer.get_json()["code"]) for answer in answers] == [
        (503, "store_unavailable")
    ] * 2
    assert list((api.settings.data_dir / "jobs").iterdir()) == []
    assert api.submitted(training_file=file_id)["status"] == "queued"


def test_a_file_says_until_when_it_is_kept(api: Api, settings: Settings, store: WorkerStore) -> None:
    assert "expires_at" not in api.get(f"/v1/files/{api.uploaded()}").get_json()
    limited = make_api(settings.model_copy(update={"keep_upload_days": 2.0}), store)
    shown = limited.get(f"/v1/files/{limited.uploaded()}").get_json()
    assert shown["expires_at"] - shown["created_at"] in (172_800, 172_801)
    assert limited.get("/v1/files").get_json()["data"][0] == shown
    for seconds, kept_seconds in (("3600", 3600), ("2592000", 172_800)):  # the shorter time counts
        form = {"purpose": "evals", "expires_after[anchor]": "created_at", "expires_after[seconds]": seconds}
        shown = limited.post("/v1/files", data={**form, "file": (io.BytesIO(b"x"), "a")}).get_json()
        assert shown["expires_at"] - shown["created_at"] in (kept_seconds, kept_seconds + 1)


def test_a_folder_that_no_job_can_load_is_not_deleted_over_http_either(api: Api) -> None:
    adapter = api.settings.models_dir / "lora"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text("{}")
    answer = api.delete("/v1/models/lora")
    assert 400 <= answer.status_code < 500
    assert "on the server itself" in answer.get_json()["detail"]


def test_a_file_that_goes_just_before_its_rows_are_read_is_told(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    file_id = api.uploaded()
    monkeypatch.setattr(job_rows, "check_free_space", lambda *_, **__: api.delete(f"/v1/files/{file_id}"))
    body = {"kind": "fine_tuning", "model": "tiny", "training_file": file_id}
    answer = api.post("/v1/jobs", json=body)
    assert (answer.status_code, answer.get_json()["error"]["param"]) == (422, "training_file")
    assert "was deleted while" in answer.get_json()["detail"]
    assert list((api.settings.data_dir / "jobs").iterdir()) == []
