"""A reader in a second, made-up language: of failures, events and refusals nothing English is left."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from services.worker.failures import Failure, FailureCode, JobFailed
from shared.job_records import WorkerEvent
from shared.messages.catalog import add_language
from shared.messages.message import say, stored
from tests.api.conftest import Api
from tests.shared.messages.made_up import LANGUAGE, left_over, made_up_language

THEIRS = {"Accept-Language": f"{LANGUAGE}, en;q=0.5"}
FAILURES = [
    JobFailed(
        FailureCode.DIVERGED,
        say("training-diverged", steps=3, step=1_000),
        say("lower-learning-rate", learning_rate=2e-4, warmup=0.0),
    ),
    JobFailed(
        FailureCode.TARGET_MODULES_UNKNOWN,
        say("target-modules-unknown", layers=["a", "b"]),
        say("choose-target-modules", layer_choices=["q", "v"]),
    ),
]
FAILURE = Failure(FailureCode.STALLED, say("job-stalled", stall_seconds=90), say("look-at-log-and-disks"))


@pytest.fixture(autouse=True)
def _language() -> Iterator[None]:
    add_language(LANGUAGE, made_up_language())
    yield
    add_language(LANGUAGE, "")


def failed_job(api: Api) -> str:
    """It was told of an old text and a message before it failed."""
    api.submitted()
    claim = api.claim()
    events = [
        WorkerEvent(1, "warn", "message", "Resumed from before", {}),
        WorkerEvent(2, "info", "message", stored(say("job-started-again", attempt=2)), {}),
    ]
    api.store.record_events(claim, events)
    api.store.finish(claim, "failed", message=stored(FAILURE.said), error=FAILURE.stored())
    return claim.job_id


def test_a_failure_and_every_event_are_told_in_the_reader_s_language(api: Api) -> None:
    job_id = failed_job(api)
    answer = api.get(f"/v1/jobs/{job_id}", headers=THEIRS)
    error = answer.get_json()["error"]
    assert error["code"] == "stalled"
    assert (left_over(error["message"]), left_over(error["remedy"])) == ("90.0 s", "")
    assert answer.headers["Content-Language"] == LANGUAGE
    assert "Accept-Language" in answer.headers["Vary"]
    events = api.get(f"/v1/jobs/{job_id}/events", headers=THEIRS).get_json()["data"]
    told = [left_over(event["message"]) for event in events]
    assert told == ["90.0 s", "2", "Resumed from before", "", ""]  # one is of before there were messages


def test_a_reader_of_an_unknown_language_and_one_that_names_none_read_english(api: Api) -> None:
    job_id = failed_job(api)
    for headers in ({"Accept-Language": "xx"}, {}):
        answer = api.get(f"/v1/jobs/{job_id}", headers=headers)
        assert answer.get_json()["error"]["message"] == "The job made no progress for 90.0 s."
        assert answer.headers["Content-Language"] == "en"


def test_openai_s_clients_read_the_failure_in_their_language(api: Api) -> None:
    job_id = failed_job(api)
    shown = api.get(f"/v1/fine_tuning/jobs/{job_id}", headers=THEIRS).get_json()
    assert left_over(shown["error"]["message"]).split() == ["90.0", "s"]


@pytest.mark.parametrize("failed", FAILURES, ids=lambda failed: failed.failure.code.value)
def test_of_a_failure_only_its_values_are_left_and_not_a_word_of_english(api: Api, failed: JobFailed) -> None:
    """The lists of two are joined with the language's own word (`kaj`, `aŭ`)."""
    api.submitted()
    claim = api.claim()
    api.store.finish(claim, "failed", message=stored(failed.failure.said), error=failed.failure.stored())
    error = api.get(f"/v1/jobs/{claim.job_id}", headers=THEIRS).get_json()["error"]
    words = set(re.findall(r"[^\W\d]+", left_over(f"{error['message']} {error['remedy']}")))
    assert words <= {"a", "b", "q", "v", "kaj", "aŭ"}


def test_why_a_speed_up_is_off_is_told_in_a_result_and_in_an_event_s_data(api: Api) -> None:
    """A plan keeps its reasons as ids and values, and of before there were messages as a text."""
    api.submitted()
    claim = api.claim()
    reason = say("model-is-no-llama", model_class="Gemma").model_dump(mode="json")
    off = {"own_layers": reason, "weights": "4 bytes of 2 free"}
    api.store.record_events(claim, [WorkerEvent(1, "info", "message", "Planned", {"plan": {"off": off}})])
    api.store.finish(claim, "succeeded", message=stored(say("job-succeeded")), result={"plan": {"off": off}})
    record = api.get(f"/v1/jobs/{claim.job_id}", headers=THEIRS).get_json()
    events = api.get(f"/v1/jobs/{claim.job_id}/events", headers=THEIRS).get_json()["data"]
    (planned,) = [event["data"] for event in events if "plan" in event["data"]]
    for told in (record["result"]["plan"]["off"], planned["plan"]["off"]):
        assert left_over(told["own_layers"]) == "Gemma"
        assert (told["own_layers_message"], told["weights"]) == (reason, "4 bytes of 2 free")


REFUSED: list[tuple[str, str, Any, set[str]]] = [
    ("GET", "/nowhere", None, set()),
    ("DELETE", "/v1/jobs", None, set()),
    ("GET", "/v1/jobs/ftjob-none", None, {"ftjob-none"}),
    ("GET", "/v1/files/file-none", None, {"file-none"}),
    ("DELETE", "/v1/models/ft:none", None, {"ft:none"}),
    ("GET", "/v1/jobs?limit=0", None, {"limit", "1", '"0"'}),
    ("POST", "/v1/jobs", [], set()),
    ("POST", "/v1/jobs", {"kind": "load_diagnostic", "cold": []}, {"cold"}),
    ("POST", "/v1/jobs", {"kind": "evaluation"}, {"file", "aŭ", "dataset"}),
    (
        "POST", "/v1/jobs", {"kind": "evaluation", "dataset": "x", "file": "y", "metadata": {"": "z"}},
        {"file", '"y"', "metadata"},
    ),
    (
        "POST", "/v1/jobs", {"kind": "fine_tuning", "dataset": "x", "plan": 5},
        {"plan", "auto", "aŭ", "baseline", "5"},
    ),
    (
        "POST", "/v1/jobs", {"kind": "load_diagnostic", "revision": "a..b", "a": 1, "b": 1, "c": 1, "d": 1},
        {
            "a..b", "a", "b", "2", "kind", "model", "revision", "trial_load", "cold", "metadata", "priority",
            "after", "webhook", "kaj",
        },
    ),
]  # fmt: skip


def with_key(api: Api) -> dict[str, str]:
    return {"Authorization": f"Bearer {api.key}", **THEIRS}


@pytest.mark.parametrize(("method", "path", "body", "values"), REFUSED)
def test_of_a_refusal_only_its_values_are_left(
    api: Api, method: str, path: str, body: Any, values: set[str]
) -> None:
    """The last body has five wrong fields: the message tells three and counts the others."""
    answer = api.client.open(path, method=method, json=body, headers=with_key(api))
    problem: Any = answer.get_json()
    assert answer.status_code >= 400
    assert left_over(problem["title"]) == ""
    for said in (problem["detail"], problem["error"]["message"]):
        assert {word.strip(",") for word in left_over(said).split()} == values, said
    for error in problem["errors"]:
        assert error["message"].startswith(("⟪", error["path"].split(".")[0]))
        assert left_over(error["message"]) != error["message"]


def test_a_missing_key_and_a_body_of_another_type_are_told_in_the_reader_s_language(api: Api) -> None:
    problem: Any = api.client.get("/v1/jobs", headers=THEIRS).get_json()
    assert (left_over(problem["title"]), left_over(problem["detail"])) == ("", "")
    told: Any = api.client.post("/v1/jobs", data="x", headers=with_key(api)).get_json()
    assert left_over(told["detail"]) == ""


def test_what_is_odd_in_rows_is_told_in_the_reader_s_language_in_the_answer_and_later(api: Api) -> None:
    rows = [{"text": "win", "label": "a"}, {"text": "win", "label": "a"}, {"text": "win", "label": "b"}]
    body = {"kind": "fine_tuning", "training_file": api.uploaded(rows)}
    record = api.post("/v1/jobs", json=body, headers=THEIRS).get_json()
    assert [each["code"] for each in record["warnings"]] == ["contradicting_labels", "repeated_rows"]
    events = api.get(f"/v1/jobs/{record['id']}/events", headers=THEIRS).get_json()["data"]
    for told in (*record["warnings"], *events):
        assert not re.findall(r"[^\W\d]+", left_over(told["message"])), told


def test_what_is_wrong_with_rows_is_told_in_the_reader_s_language(api: Api) -> None:
    rows: list[dict[str, Any]] = [
        {"text": "win", "label": "a"},
        {"text": "", "label": "a"},
        {"text": " ", "label": "b"},
        {"text": 1},
    ]
    body = {"kind": "fine_tuning", "training_file": api.uploaded(rows)}
    answer = api.post("/v1/jobs", json=body, headers=THEIRS).get_json()
    told = [answer["detail"], *(error["message"] for error in answer["errors"])]
    assert len(told) == 4
    words = {word for text in told for word in re.findall(r"[^\W\d]+", left_over(text))}
    assert words <= {"rows", "jsonl", "text", "label"}


def test_warnings_of_a_job_of_before_are_told_as_they_were_stored(api: Api) -> None:
    rows = [{"text": "win", "label": "a"}] * 2
    body = {"kind": "fine_tuning", "training_file": api.uploaded(rows)}
    record = api.post("/v1/jobs", json=body, headers={"Idempotency-Key": "a"}).get_json()
    path = api.job_folder(record["id"]) / "spec.json"
    spec = json.loads(path.read_text())
    spec["datasets"]["training"]["warnings"][0]["message"] = "1 row repeats an earlier row (line 2)"
    path.write_text(json.dumps(spec))
    again = api.post("/v1/jobs", json=body, headers={"Idempotency-Key": "a", **THEIRS}).get_json()
    assert again["warnings"][0]["message"] == "1 row repeats an earlier row (line 2)"
