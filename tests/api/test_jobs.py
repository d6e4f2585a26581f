"""The native API: submit, list, cancel, events, report, adapter."""

import io
import json
import struct
import tarfile
from typing import Any

import pytest

from shared.adapters import CONFIG, WEIGHTS
from shared.exaone_names import EXAONE_NAMES
from shared.model_names import fine_tuned_model_id
from shared.sealed_folder import MANIFEST, seal
from tests.adapter_folders import CHECKPOINT_FILES, lay_out_adapter
from tests.api.conftest import ROWS, Api, jsonl, make_api


def test_an_accepted_job_has_its_rows_and_its_spec_on_disk_before_it_is_queued(api: Api) -> None:
    file_id = api.uploaded()
    answer = api.post("/v1/jobs", json={"kind": "fine_tuning", "training_file": file_id, "suffix": "spam"})
    record: dict[str, Any] = answer.json or {}
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/v1/jobs/{record['id']}"
    assert record["status"] == "queued"
    assert record["queue_position"] == 1
    assert record["request"]["model"] == "tiny"  # the default, filled in
    folder = api.job_folder(record["id"])
    spec = json.loads((folder / "spec.json").read_text())
    assert spec["request"] == record["request"]
    assert spec["datasets"]["training"]["rows"] == len(ROWS)
    assert spec["datasets"]["training"]["labels"] == ["ham", "spam"]
    assert len((folder / "rows" / "training.jsonl").read_text().splitlines()) == len(ROWS)
    assert api.rung == [record["id"]]


def test_a_job_outlives_the_file_it_was_made_from(api: Api) -> None:
    record = api.submitted()
    assert api.delete(f"/v1/files/{record['request']['training_file']}").status_code == 200
    assert (api.job_folder(record["id"]) / "rows" / "training.jsonl").stat().st_size > 0


def test_validation_rows_are_read_in_the_format_of_the_training_rows(api: Api) -> None:
    record = api.submitted(validation_file=api.uploaded(ROWS[:2]))
    spec = json.loads((api.job_folder(record["id"]) / "spec.json").read_text())
    assert spec["datasets"]["validation"]["rows"] == 2
    assert spec["datasets"]["validation"]["format"] == spec["datasets"]["training"]["format"]


def test_a_validation_label_that_training_never_shows_is_refused(api: Api) -> None:
    other = api.uploaded([{"text": "who knows", "label": "unsure"}, {"text": "hello you", "label": "ham"}])
    body = {"kind": "fine_tuning", "training_file": api.uploaded(), "validation_file": other}
    answer = api.post("/v1/jobs", json=body)
    assert answer.status_code == 422
    assert "unsure" in answer.get_json()["detail"]


def test_what_is_odd_about_rows_is_in_the_answer_and_among_the_first_events(api: Api) -> None:
    rows = [*ROWS, {"text": "see you at seven", "label": "SPAM"}]
    body = {
        "kind": "fine_tuning",
        "training_file": api.uploaded(rows),
        "validation_file": api.uploaded([ROWS[1], {"text": "new", "label": "ham"}]),
    }
    first = api.post("/v1/jobs", json=body, headers={"Idempotency-Key": "a"})
    warnings = first.get_json()["warnings"]
    assert [(each["part"], each["code"], each["count"], each["lines"]) for each in warnings] == [
        ("training", "contradicting_labels", 1, [4]),
        ("training", "labels_look_alike", 3, []),
        ("validation", "validation_overlaps", 1, [1]),
    ]
    events = api.get(f"/v1/jobs/{first.get_json()['id']}/events").get_json()["data"][::-1]
    assert [(event["level"], event["data"].get("code")) for event in events] == [
        ("info", None),
        *(("warn", each["code"]) for each in warnings),
    ]
    assert events[1]["message"].startswith("Training rows: 1 row has the text of an earlier row")
    again = api.post("/v1/jobs", json=body, headers={"Idempotency-Key": "a"})
    assert again.get_json() == first.get_json()


def test_openais_face_tells_it_as_well(api: Api) -> None:
    rows = [{"instruction": "say it", "input": f"word {number}", "output": "so"} for number in range(4)]
    answer = api.post("/v1/fine_tuning/jobs", json={"model": "tiny", "training_file": api.uploaded(rows)})
    assert [warning["code"] for warning in answer.get_json()["warnings"]] == ["fields_read_as"]


def test_the_same_key_and_body_make_one_job(api: Api) -> None:
    body = {"kind": "fine_tuning", "training_file": api.uploaded()}
    first = api.post("/v1/jobs", json=body, headers={"Idempotency-Key": "a"})
    again = api.post("/v1/jobs", json=body, headers={"Idempotency-Key": "a"})
    assert again.status_code == 202
    assert again.get_json()["id"] == first.get_json()["id"]
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    assert len(list((api.settings.data_dir / "jobs").iterdir())) == 1
    other = api.post("/v1/jobs", json={**body, "suffix": "x"}, headers={"Idempotency-Key": "a"})
    assert (other.status_code, other.get_json()["code"]) == (422, "idempotency_key_reused")


def test_equal_jobs_without_a_key_are_two_jobs_unless_the_client_says_it_retries(api: Api) -> None:
    body = {"kind": "load_diagnostic"}
    first = api.post("/v1/jobs", json=body)
    second = api.post("/v1/jobs", json=body)
    retry = api.post("/v1/jobs", json=body, headers={"x-stainless-retry-count": "1"})
    ids = [answer.get_json()["id"] for answer in (first, second, retry)]
    assert ids[0] != ids[1] == ids[2]


def test_a_refused_job_leaves_nothing_behind(api: Api) -> None:
    file_id = api.upload(jsonl(ROWS) + b'{"text": "no label"}\n').get_json()["id"]
    answer = api.post("/v1/jobs", json={"kind": "fine_tuning", "training_file": file_id})
    assert answer.status_code == 422
    assert list((api.settings.data_dir / "jobs").iterdir()) == []
    assert api.get("/v1/jobs").json == {"object": "list", "data": [], "has_more": False}


def test_jobs_are_listed_newest_first_by_pages_and_filters(api: Api) -> None:
    ids = [api.post("/v1/jobs", json={"kind": "load_diagnostic"}).get_json()["id"] for _ in range(3)]
    tuning = api.submitted(metadata={"team": "a"})
    page: Any = api.get("/v1/jobs?kind=load_diagnostic&limit=2").json
    assert [record["id"] for record in page["data"]] == [ids[2], ids[1]]
    assert page["has_more"] is True
    page = api.get(f"/v1/jobs?kind=load_diagnostic&limit=2&after={ids[1]}").json
    assert [record["id"] for record in page["data"]] == [ids[0]]
    assert page["has_more"] is False
    page = api.get("/v1/jobs?metadata[team]=a").json
    assert [record["id"] for record in page["data"]] == [tuning["id"]]
    assert api.get("/v1/jobs?after=ftjob-unknown").status_code == 404
    assert api.get("/v1/jobs?limit=0").status_code == 422
    assert api.get("/v1/jobs?colour=red").get_json()["errors"] == [
        {
            "path": "colour",
            "message": "colour is an unknown field. The fields are kind, status, after, limit, and metadata.",
        }
    ]


def test_a_queued_job_is_cancelled_and_a_finished_one_is_not(api: Api) -> None:
    record = api.submitted()
    for _ in range(2):
        answer = api.post(f"/v1/jobs/{record['id']}/cancel")
        assert (answer.status_code, answer.get_json()["status"]) == (202, "cancelled")
    finished = api.submitted()
    api.store.finish(api.claim(), "succeeded", message="Done", result={})
    answer = api.post(f"/v1/jobs/{finished['id']}/cancel")
    assert (answer.status_code, answer.get_json()["code"]) == (409, "invalid_transition")
    assert answer.headers["x-should-retry"] == "false"
    assert api.post("/v1/jobs/ftjob-unknown/cancel").status_code == 404


def test_events_are_listed_newest_first_by_pages(api: Api) -> None:
    record = api.submitted()
    api.claim()
    page: Any = api.get(f"/v1/jobs/{record['id']}/events?limit=1").json
    assert [event["message"] for event in page["data"]] == ["The job started."]
    assert page["has_more"] is True
    page = api.get(f"/v1/jobs/{record['id']}/events?after={page['data'][0]['id']}").json
    assert [event["message"] for event in page["data"]] == ["The job is accepted and queued."]
    assert page["has_more"] is False
    assert api.get(f"/v1/jobs/{record['id']}/events?after=x").status_code == 422
    assert api.get("/v1/jobs/ftjob-unknown/events").status_code == 404


@pytest.mark.parametrize("place", ["/v1/jobs", "/v1/fine_tuning/jobs"])
def test_a_job_is_paused_and_resumed_over_both_faces(api: Api, place: str) -> None:
    job_id = api.submitted()["id"]
    for _ in range(2):
        answer = api.post(f"{place}/{job_id}/pause")
        assert (answer.status_code // 100, answer.get_json()["status"]) == (2, "paused")
    assert api.get(f"{place}/{job_id}").get_json()["status"] == "paused"
    assert api.post(f"{place}/{job_id}/resume").get_json()["status"] == "queued"
    claim = api.claim()
    shown = {"/v1/jobs": "pausing", "/v1/fine_tuning/jobs": "running"}
    assert api.post(f"{place}/{job_id}/pause").get_json()["status"] == shown[place]
    assert api.post(f"{place}/{job_id}/resume").get_json()["status"] == "running"
    api.store.publish(claim)
    late = api.post(f"{place}/{job_id}/pause")
    assert (late.status_code, late.get_json()["code"]) == (409, "invalid_transition")
    assert "publishing its result" in late.get_json()["detail"]
    assert api.post(f"{place}/ftjob-unknown/pause").status_code == 404


def test_the_whole_queue_is_paused_and_resumed(api: Api) -> None:
    running = api.submitted()["id"]
    api.claim()
    assert api.get("/v1/queue").get_json() == {"object": "queue", "paused": False, "jobs": []}
    assert api.post("/v1/queue/pause").get_json() == {"object": "queue", "paused": True, "jobs": [running]}
    assert api.get("/v1/queue").get_json()["paused"] is True
    assert api.post("/v1/jobs", json={"kind": "load_diagnostic"}).status_code == 202
    assert api.post("/v1/queue/resume").get_json() == {"object": "queue", "paused": False, "jobs": [running]}


def test_a_report_exists_once_the_job_has_succeeded(api: Api) -> None:
    job_id = api.post("/v1/jobs", json={"kind": "load_diagnostic"}).get_json()["id"]
    early = api.get(f"/v1/jobs/{job_id}/report")
    assert (early.status_code, early.get_json()["code"]) == (409, "job_not_finished")
    claim = api.claim()
    (api.job_folder(job_id) / "report.json").write_text(json.dumps({"findings": ["slow disk"]}))
    api.store.finish(claim, "succeeded", message="Done", result={"findings": 1})
    assert api.get(f"/v1/jobs/{job_id}/report").json == {"findings": ["slow disk"]}


def test_a_fine_tuning_s_report_is_its_result_and_what_its_steps_took(api: Api) -> None:
    job_id, claim = api.submitted()["id"], api.claim()
    (api.job_folder(job_id) / "report.json").write_text(json.dumps({"kind": "fine_tuning", "text": "A step"}))
    api.store.finish(claim, "succeeded", message="Done", result={"train_loss": 0.5})
    report = api.get(f"/v1/jobs/{job_id}/report").json
    assert report == {"train_loss": 0.5, "kind": "fine_tuning", "text": "A step"}
    assert api.get(f"/v1/jobs/{job_id}").get_json()["result"] == {"train_loss": 0.5}


def test_a_failed_job_says_why_it_has_no_report_and_what_to_do(api: Api) -> None:
    record = api.submitted()
    error = {"code": "diverged", "message": "The loss is NaN.", "remedy": "Lower learning_rate."}
    api.store.finish(api.claim(), "failed", message="Failed", error=error)
    answer = api.get(f"/v1/jobs/{record['id']}/report")
    assert answer.status_code == 409
    assert answer.get_json()["detail"].endswith("The loss is NaN. Lower learning_rate.")


def test_a_job_that_failed_late_has_the_report_it_wrote(api: Api) -> None:
    job_id = api.post("/v1/jobs", json={"kind": "model_preparation"}).get_json()["id"]
    claim = api.claim()
    (api.job_folder(job_id) / "report.json").write_text(json.dumps({"applied": ["move_cache"]}))
    assert api.get(f"/v1/jobs/{job_id}/report").status_code == 409
    error = {"code": "disk_full", "message": "Full.", "remedy": "Free space."}
    api.store.finish(claim, "failed", message="Failed", error=error)
    assert api.get(f"/v1/jobs/{job_id}/report").json == {"applied": ["move_cache"]}


def test_an_adapter_is_downloaded_as_a_tar_of_known_length(api: Api) -> None:
    record = api.submitted()
    assert api.get(f"/v1/jobs/{record['id']}/adapter").status_code == 409
    folder = api.job_folder(record["id"]) / "adapter"
    folder.mkdir()
    files = {"adapter_config.json": b'{"r": 16}', "adapter_model.safetensors": bytes(range(256)) * 9000}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / "link").symlink_to("/etc/hostname")
    api.store.finish(api.claim(), "succeeded", message="Done", result={})
    answer = api.get(f"/v1/jobs/{record['id']}/adapter")
    assert answer.status_code == 200
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{record["id"]}-adapter.tar"'
    with tarfile.open(fileobj=io.BytesIO(answer.data)) as archive:
        found = {member.name: archive.extractfile(member) for member in archive}
        contents = {name: file.read() for name, file in found.items() if file}
    assert contents == {f"{record['id']}-adapter/{name}": content for name, content in files.items()}
    assert api.get(f"/v1/jobs/{record['id']}/adapter?names=llama").status_code == 404


@pytest.mark.parametrize("spoiled", ["adapter_model.safetensors", "manifest.json"])
def test_a_damaged_adapter_is_refused_and_not_sent(api: Api, spoiled: str) -> None:
    record = api.submitted()
    folder = api.job_folder(record["id"]) / "adapter"
    folder.mkdir()
    (folder / "adapter_config.json").write_bytes(b'{"r": 16}')
    (folder / "adapter_model.safetensors").write_bytes(bytes(1000))
    seal(folder, {})
    api.store.finish(api.claim(), "succeeded", message="Done", result={})
    assert api.get(f"/v1/jobs/{record['id']}/adapter").status_code == 200
    content = bytearray((folder / spoiled).read_bytes())
    content[len(content) // 2] ^= 0xFF
    (folder / spoiled).write_bytes(content)
    refused = api.get(f"/v1/jobs/{record['id']}/adapter")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "adapter_damaged")
    assert spoiled in refused.get_json()["detail"]


def test_a_checkpoint_whose_module_has_no_original_name_is_refused_and_kept_as_trained(api: Api) -> None:
    record = api.submitted()
    folder = lay_out_adapter(api.job_folder(record["id"]) / "checkpoints" / "step-3", CHECKPOINT_FILES)
    key = "base_model.model.model.layers.0.block_sparse_moe.gate.lora_A.weight"
    header = json.dumps({key: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    (folder / WEIGHTS).write_bytes(struct.pack("<Q", len(header)) + header + bytes(4))
    (folder / CONFIG).write_text("{}")
    base = {"architecture": EXAONE_NAMES.architecture}
    (folder / MANIFEST).unlink(missing_ok=True)
    seal(folder, {"fingerprint": {"base": base}})
    place = f"/v1/jobs/{record['id']}/adapter?step=3"
    refused = api.get(place)
    assert (refused.status_code, refused.get_json()["error"]["param"]) == (404, "names")
    assert "layers.0.block_sparse_moe.gate, which is not a module of EXAONE" in refused.get_json()["detail"]
    assert "names=llama" in refused.get_json()["detail"]
    assert api.get(f"{place}&names=llama").status_code == 200


def test_an_evaluation_takes_its_base_model_from_the_adapter(api: Api) -> None:
    record = api.submitted(suffix="spam")
    name = f"ft:tiny:spam:{record['id'][6:]}"
    body = {"kind": "evaluation", "adapter": name, "file": api.uploaded()}
    early = api.post("/v1/jobs", json=body).get_json()
    assert (early["request"]["model"], early["waits_for"]) == ("tiny", [record["id"]])
    lay_out_adapter(api.job_folder(record["id"]) / "adapter")
    api.store.finish(api.claim(), "succeeded", message="Done", result={"fine_tuned_model": name})
    answer = api.post("/v1/jobs", json=body)
    assert answer.status_code == 202
    assert answer.get_json()["request"]["model"] == "tiny"
    spec = json.loads((api.job_folder(answer.get_json()["id"]) / "spec.json").read_text())
    assert spec["datasets"]["evaluation"]["rows"] == len(ROWS)
    other = api.post("/v1/jobs", json={**body, "model": "org/other"})
    assert (other.status_code, other.get_json()["error"]["param"]) == (422, "model")
    wrong = api.post("/v1/jobs", json={**body, "adapter": f"ft:tiny:other:{record['id'][6:]}"})
    assert (wrong.status_code, wrong.get_json()["code"]) == (422, "model_not_found")


def test_a_full_queue_is_said_with_429(api: Api) -> None:
    small = api.settings.model_copy(update={"max_queued_jobs": 1})
    full = make_api(small, api.store)
    full.submitted()
    answer = full.post("/v1/jobs", json={"kind": "load_diagnostic"})
    assert (answer.status_code, answer.get_json()["code"]) == (429, "too_many_jobs")
    assert answer.headers["Retry-After"]
    assert len(list((api.settings.data_dir / "jobs").iterdir())) == 1


@pytest.mark.parametrize("missing", ["file-" + "a" * 24, "file-x"])
def test_a_job_over_a_file_that_is_not_there_names_the_field(api: Api, missing: str) -> None:
    answer = api.post("/v1/jobs", json={"kind": "fine_tuning", "training_file": missing})
    assert answer.status_code == 422
    assert answer.get_json()["error"]["param"] == "training_file"


def test_a_dry_run_makes_no_model_and_says_so(api: Api) -> None:
    record = api.submitted(dry_run=True)
    assert record["request"]["dry_run"] is True
    api.store.finish(api.claim(), "succeeded", message="Done", result={"dry_run": True, "rows": 3})
    name = fine_tuned_model_id("tiny", None, record["id"])
    listed = [model["id"] for model in api.get("/v1/models").get_json()["data"]]
    assert not any(record["id"][6:] in model for model in listed)
    assert api.get(f"/v1/fine_tuning/jobs/{record['id']}").get_json()["fine_tuned_model"] is None
    answer = api.get(f"/v1/jobs/{record['id']}/adapter")
    assert answer.status_code == 404
    assert "dry run" in answer.get_json()["error"]["message"]
    refused = api.post("/v1/jobs", json={"kind": "evaluation", "adapter": name, "file": api.uploaded()})
    assert refused.status_code == 422
    assert "dry run" in refused.get_json()["error"]["message"]
