"""`POST /v1/datasets/reports`: findings at once, and with a model a job that shows the rows as tokens."""

import json
from pathlib import Path
from typing import Any

import pytest

from services.api.checked_rows import FOLDER
from tests.api.conftest import ROWS, Api
from tests.samples.arrow_folder import save_arrow_folder
from tests.shared.datasets.faults import chat, labelled, lines
from tests.unprivileged import without_override

PAGE = "/v1/datasets/reports"


def reported(api: Api, **body: Any) -> dict[str, Any]:
    answer = api.post(PAGE, json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.get_json())


def uploaded(api: Api, content: bytes, name: str = "rows.jsonl") -> str:
    return str(api.upload(content, name).get_json()["id"])


def test_a_report_says_what_is_in_the_rows_and_what_is_wrong_with_lines_and_values(api: Api) -> None:
    rows = lines([*labelled(), {"text": "a", "label": None}, {"text": "b", "label": None}])
    report = reported(api, training_file=uploaded(api, rows, "my rows.jsonl"))
    assert (report["schema_version"], report["usable"], report["job"]) == (1, False, None)
    training = report["training"]
    assert (training["name"], training["notation"], training["format"]) == (
        "my rows.jsonl", "json_lines", "classification",
    )  # fmt: skip
    assert (training["rows"], training["unusable_rows"], training["label_count"]) == (24, 2, 2)
    first = report["findings"][0]
    assert first["title"] == "Line 25: `label` is null. Give it a value, or remove the row."
    assert first["title_message"]["message_id"] == "problem-of-row"
    assert first["evidence"] == ["One more row has this problem: line 26."]
    assert (first["id"], first["severity"], first["part"]) == ("field_is_null", "error", "training")
    assert (first["lines"], first["count"], first["seen"]) == ([25, 26], 2, "null")


def test_a_data_set_of_the_server_is_compared_with_its_validation_rows(api: Api) -> None:
    folder = api.settings.datasets_dir
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mine.jsonl").write_bytes(lines(labelled()))
    report = reported(api, dataset="mine", validation_file=uploaded(api, lines(labelled()[:3])))
    assert report["overlap"] == {"rows": 3, "of": 3, "other_answer": 0}
    assert (report["training"]["name"], report["validation"]["name"]) == ("mine", "rows.jsonl")
    assert {one["id"] for one in report["findings"]} >= {"validation_overlaps"}


@pytest.mark.parametrize("is_folder", [False, True], ids=["file", "folder"])
def test_rows_that_the_service_may_not_read_are_told_with_the_permission_they_need(
    api: Api, is_folder: bool
) -> None:
    folder = api.settings.datasets_dir
    folder.mkdir(parents=True, exist_ok=True)
    if is_folder:
        closed = save_arrow_folder(labelled(), folder / "mine", class_names=["ham", "spam"])
        closed = next(path for path in closed.iterdir() if path.suffix == ".arrow")
    else:
        closed = folder / "mine.jsonl"
        closed.write_bytes(lines(labelled()))
    closed.chmod(0)
    with without_override():
        found = reported(api, dataset="mine")["findings"][0]
        refused = api.post("/v1/jobs", json={"kind": "fine_tuning", "model": "tiny", "dataset": "mine"})
    assert (found["id"], found["severity"]) == ("dataset_not_readable", "error")
    assert found["title"].startswith("Data set `mine` can't be opened (Permission denied).")
    assert (refused.status_code, refused.get_json()["code"]) == (422, "invalid_training_file")
    assert "chmod -R a+rX" in refused.get_json()["detail"]


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({}, 422, "training_file"),
        ({"training_file": "file-" + "a" * 24}, 422, "training_file"),
        ({"dataset": "nowhere"}, 422, "dataset"),
        ({"dataset": "../etc"}, 422, "dataset"),
        ({"dataset": "a", "validation_file": "file-aa", "validation_dataset": "b"}, 422, "validation_file"),
        ({"dataset": "a", "max_seq_length": 64}, 422, "max_seq_length"),
        ({"dataset": "a", "kind": "fine_tuning"}, 422, "kind"),
    ],
)  # fmt: skip
def test_what_names_no_rows_is_refused(api: Api, body: dict[str, Any], status: int, param: str) -> None:
    answer = api.post(PAGE, json=body)
    assert (answer.status_code, answer.get_json()["error"]["param"]) == (status, param)


def test_columns_that_no_format_has_are_refused(api: Api) -> None:
    columns = {"messages": "a", "label": "b"}
    answer = api.post(PAGE, json={"training_file": api.uploaded(), "columns": columns})
    assert (answer.status_code, answer.get_json()["error"]["param"]) == (422, "columns")


def test_with_a_model_a_job_is_queued_that_has_the_rows(api: Api) -> None:
    body = {"training_file": api.uploaded(), "validation_file": api.uploaded(ROWS[:2]), "model": "tiny"}
    report = reported(api, **body, max_seq_length=64)
    job = report["job"]
    assert (job["kind"], job["status"]) == ("dataset_report", "queued")
    assert job["id"].startswith("datajob-")
    assert (job["request"]["model"], job["request"]["max_seq_length"]) == ("tiny", 64)
    spec = json.loads((api.job_folder(job["id"]) / "spec.json").read_text())
    assert {name: part["rows"] for name, part in spec["datasets"].items()} == {"training": 3, "validation": 2}
    assert api.rung == [job["id"]]


def test_rows_that_can_not_be_used_get_no_job(api: Api) -> None:
    assert reported(api, training_file=uploaded(api, b"{"), model="tiny")["job"] is None
    assert api.rung == []


def test_a_model_that_is_nowhere_is_refused_before_the_rows_are_read(api: Api) -> None:
    answer = api.post(PAGE, json={"training_file": uploaded(api, b"{"), "model": "nowhere"})
    assert answer.status_code in (404, 422)
    assert answer.get_json()["error"]["param"] == "model"


def test_the_same_key_gives_the_same_job(api: Api) -> None:
    body, headers = {"training_file": api.uploaded(), "model": "tiny"}, {"Idempotency-Key": "once"}
    answers = [api.post(PAGE, json=body, headers=headers) for _ in range(2)]
    first, second = (answer.get_json()["job"]["id"] for answer in answers)
    assert first == second
    assert answers[1].headers["Idempotent-Replayed"] == "true"


def test_the_report_of_an_upload_is_kept_and_goes_with_it(api: Api) -> None:
    file_id = uploaded(api, lines(chat()))
    folder = api.settings.data_dir / "files" / file_id
    report = reported(api, training_file=file_id)
    kept = folder / FOLDER / "data-report.json"
    values = json.loads(kept.read_bytes())
    values["report"]["training"]["name"] = "from the disk"
    kept.write_text(json.dumps(values))
    assert reported(api, training_file=file_id)["training"]["name"] == "from the disk"
    other = reported(api, training_file=file_id, format="chat")  # another way to read it
    assert other["training"]["name"] == report["training"]["name"] == "rows.jsonl"
    assert api.delete(f"/v1/files/{file_id}").status_code == 200
    assert not folder.exists()


def test_a_kept_report_that_is_damaged_is_made_again(api: Api) -> None:
    file_id = uploaded(api, lines(chat()))
    first = reported(api, training_file=file_id)
    (api.settings.data_dir / "files" / file_id / FOLDER / "data-report.json").write_text("{")
    again = reported(api, training_file=file_id)
    assert {**again, "read_seconds": 0} == {**first, "read_seconds": 0}


def test_the_api_leaves_nothing_of_an_examination_behind(api: Api, tmp_path: Path) -> None:
    before = set(api.settings.data_dir.rglob("*"))
    folder = api.settings.datasets_dir
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "mine.jsonl").write_bytes(lines(labelled()))
    reported(api, dataset="mine")
    assert set(api.settings.data_dir.rglob("*")) - before - {folder, folder / "mine.jsonl"} == set()
