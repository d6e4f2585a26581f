"""The order of the queue over HTTP: priorities, moves, jobs that run after others."""

from typing import Any

import pytest

from shared.model_names import fine_tuned_model_id
from tests.adapter_folders import lay_out_adapter
from tests.api.conftest import Api


def diagnosis(api: Api, **fields: Any) -> dict[str, Any]:
    answer = api.post("/v1/jobs", json={"kind": "load_diagnostic", **fields})
    assert answer.status_code == 202, answer.text
    return dict(answer.get_json())


def evaluation_of(api: Api, adapter: str, **fields: Any) -> Any:
    body = {"kind": "evaluation", "adapter": adapter, "file": api.uploaded()}
    return api.post("/v1/jobs", json=body | fields)


def record(api: Api, job_id: str) -> dict[str, Any]:
    return dict(api.get(f"/v1/jobs/{job_id}").get_json())


def test_every_kind_of_job_has_a_priority_and_jobs_before_it(api: Api) -> None:
    first = diagnosis(api)
    urgent = diagnosis(api, priority=100)
    assert (urgent["priority"], urgent["queue_position"]) == (100, 1)
    for body in (
        {"kind": "fine_tuning", "training_file": api.uploaded()},
        {"kind": "evaluation", "file": api.uploaded()},
        {"kind": "training_diagnostic", "training_file": api.uploaded()},
        {"kind": "model_preparation"},
        {"kind": "load_diagnostic"},
    ):
        answer = api.post("/v1/jobs", json=body | {"priority": -3, "after": first["id"]})
        assert answer.status_code == 202, answer.text
        waiting = answer.get_json()
        assert (waiting["priority"], waiting["waits_for"], waiting["queue_position"]) == (
            -3, [first["id"]], None,
        )  # fmt: skip
        assert waiting["request"]["after"] == [first["id"]]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"priority": 101}, "priority"),
        ({"priority": "high"}, "priority"),
        ({"priority": 1.5}, "priority"),
        ({"after": "ftjob-unknown"}, "after"),
        ({"after": ["evaljob-unknown"]}, "after"),
        ({"after": [f"ftjob-{number}" for number in range(21)]}, "after"),
    ],
)
def test_a_priority_or_a_job_before_that_can_not_be_is_refused(
    api: Api, fields: dict[str, Any], param: str
) -> None:
    answer = api.post("/v1/jobs", json={"kind": "load_diagnostic", **fields})
    assert (answer.status_code, answer.get_json()["error"]["param"]) == (422, param)
    assert not list((api.settings.data_dir / "jobs").glob("*"))


def test_a_queued_job_moves_over_http_and_its_events_say_so(api: Api) -> None:
    first, second, third = (diagnosis(api)["id"] for _ in range(3))
    for body in ({"to": "front"}, {"before": first}, {"up": 2}):
        for _ in range(2):
            answer = api.post(f"/v1/jobs/{third}/move", json=body)
            assert (answer.status_code, answer.get_json()["queue_position"]) == (200, 1), body
    events = api.get(f"/v1/jobs/{third}/events").get_json()["data"]
    assert [event["message"] for event in events] == [
        "The job was moved in the queue from place 3 to place 1.",
        "The job is accepted and queued.",
    ]
    assert api.post(f"/v1/jobs/{third}/move", json={"behind": second}).get_json()["queue_position"] == 3
    assert api.post(f"/v1/jobs/{third}/move", json={"priority": 1}).get_json()["queue_position"] == 1
    assert api.claim().job_id == third


def test_a_move_that_can_not_be_is_refused_with_the_reason(api: Api) -> None:
    running, queued = diagnosis(api)["id"], diagnosis(api)["id"]
    api.claim()
    late = api.post(f"/v1/jobs/{running}/move", json={"to": "front"})
    assert (late.status_code, late.get_json()["code"]) == (409, "invalid_transition")
    assert f"The status of job {running} is running." in late.get_json()["detail"]
    paused = diagnosis(api)["id"]
    assert api.post(f"/v1/jobs/{paused}/pause").status_code == 202
    resting = api.post(f"/v1/jobs/{paused}/move", json={"to": "front"}).get_json()["detail"]
    assert resting.endswith("Resume it first, then move it.")
    for body in ({}, {"to": "front", "up": 1}, {"up": 0}, {"to": "middle"}, {"before": queued}):
        assert api.post(f"/v1/jobs/{queued}/move", json=body).status_code == 422, body
    assert api.post(f"/v1/jobs/{queued}/move", json={"before": "ftjob-x"}).status_code == 422
    assert api.post("/v1/jobs/ftjob-x/move", json={"to": "front"}).status_code == 404


@pytest.mark.parametrize("by_name", [True, False])
def test_what_a_training_is_to_make_can_be_evaluated_after_it(api: Api, by_name: bool) -> None:
    training = api.submitted()["id"]
    model = fine_tuned_model_id("tiny", None, training)
    answer = evaluation_of(api, model if by_name else training)
    assert answer.status_code == 202, answer.text
    waiting = answer.get_json()
    assert waiting["request"]["adapter"] == model
    assert (waiting["request"]["after"], waiting["waits_for"]) == ([training], [training])
    claim = api.claim()
    lay_out_adapter(api.job_folder(training) / "adapter")
    api.store.finish(claim, "succeeded", message="Done", result={"fine_tuned_model": model})
    assert record(api, waiting["id"])["queue_position"] == 1
    assert api.delete(f"/v1/models/{model}").get_json()["code"] == "in_use"
    assert api.claim().job_id == waiting["id"]


def test_an_evaluation_of_a_training_that_fails_is_cancelled_with_it(api: Api) -> None:
    training = api.submitted()["id"]
    waiting = evaluation_of(api, training).get_json()["id"]
    further = diagnosis(api, after=[waiting])["id"]
    api.store.finish(api.claim(), "failed", message="No")
    for job_id, before, how in ((waiting, training, "failed"), (further, waiting, "was cancelled")):
        ended = record(api, job_id)
        assert (ended["status"], ended["error"]["code"]) == ("cancelled", "dependency_failed")
        assert ended["error"]["message"] == f"It was to run after job {before}, which {how}."
    report = api.get(f"/v1/jobs/{waiting}/report")
    assert (report.status_code, report.get_json()["code"]) == (409, "job_not_finished")
    assert training in report.get_json()["detail"]
    late = evaluation_of(api, training)
    assert (late.status_code, late.get_json()["code"]) == (422, "model_not_found")
    assert f"The status of job {training} is failed." in late.get_json()["detail"]


def test_an_adapter_by_its_job_is_the_model_of_that_job(api: Api) -> None:
    training = api.submitted()["id"]
    model = fine_tuned_model_id("tiny", None, training)
    claim = api.claim()
    lay_out_adapter(api.job_folder(training) / "adapter")
    api.store.finish(claim, "succeeded", message="Done", result={"fine_tuned_model": model})
    accepted = evaluation_of(api, training).get_json()
    assert (accepted["request"]["adapter"], accepted["request"]["after"]) == (model, [])
    assert (api.job_folder(accepted["id"]) / "start").is_dir()


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ("dry run", "was a dry run"),
        ("diagnosis", "Only a fine_tuning job makes an adapter"),
        ("none", "There is no job"),
    ],
)
def test_a_job_that_makes_no_adapter_is_none(api: Api, other: str, why: str) -> None:
    job_id = "ftjob-" + "a" * 24
    if other == "dry run":
        job_id = api.submitted(dry_run=True)["id"]
    if other == "diagnosis":
        job_id = diagnosis(api)["id"]
    answer = evaluation_of(api, job_id)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "model_not_found")
    assert why in answer.get_json()["detail"]


def test_the_same_key_gives_the_same_job_whatever_became_of_the_one_before_it(api: Api) -> None:
    training = api.submitted()["id"]
    body = {"kind": "evaluation", "adapter": training, "file": api.uploaded(), "priority": 2}
    key = {"Idempotency-Key": "friday"}
    first = api.post("/v1/jobs", json=body, headers=key).get_json()["id"]
    api.post(f"/v1/jobs/{training}/cancel")
    again = api.post("/v1/jobs", json=body, headers=key)
    assert (again.status_code, again.get_json()["id"]) == (202, first)
    other = api.post("/v1/jobs", json=body | {"priority": 3}, headers=key)
    assert other.get_json()["code"] == "idempotency_key_reused"


def test_openai_s_api_shows_a_waiting_job_as_queued_and_then_why_it_was_cancelled(api: Api) -> None:
    before = diagnosis(api)["id"]
    body = {"model": "tiny", "training_file": api.uploaded(), "after": [before], "priority": 7}
    created = api.post("/v1/fine_tuning/jobs", json=body).get_json()
    assert created["status"] == "queued"
    assert record(api, created["id"])["priority"] == 7
    api.post(f"/v1/jobs/{before}/cancel")
    shown = api.get(f"/v1/fine_tuning/jobs/{created['id']}").get_json()
    assert (shown["status"], shown["error"]["code"]) == ("cancelled", "dependency_failed")


def test_jobs_that_wait_for_others_are_counted_apart(api: Api) -> None:
    before = diagnosis(api)["id"]
    api.post(f"/v1/jobs/{before}/pause")
    diagnosis(api, after=[before])
    census = api.store.census()
    assert (census.queue_length["load_diagnostic"], census.waiting_for_jobs["load_diagnostic"]) == (0, 1)
    assert census.records["load_diagnostic", "queued"] == 1
