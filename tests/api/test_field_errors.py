"""Every field of every request with values of every wrong kind: one plain refusal that names the field."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from services.api.data_report_routes import DataReportRequest
from services.api.openai_shapes import CreateFineTuningJob
from shared.schemas.fields import PATTERN_NAMES
from shared.schemas.requests import (
    DatasetReportRequest,
    EvaluationRequest,
    FineTuningRequest,
    LoadDiagnosticRequest,
    ModelPreparationRequest,
)
from tests.api.conftest import Api

RIDDLES = (
    "Input should",
    "tag using",
    "constrained",
    "discriminator",
    "dictionary",
    "pattern",
    "function-after",
)
FILE = "file-" + "a" * 24
WRONG: list[Any] = [
    None, True, -1, 10**400, 1.5, 1e300, "", "x\0y", "\u0661", "self_attn.q_proj", "x" * 70_000, [], [1],
    [None], [[]], ["self_attn.q_proj"], ["\u202e"], {}, {"": ""}, {"x": 1}, {"x" * 65: "y"}, {"0": {"0": []}},
]  # fmt: skip
REQUESTS: dict[str, tuple[str, dict[str, Any], type]] = {
    "fine_tuning": ("/v1/jobs", {"kind": "fine_tuning", "training_file": FILE}, FineTuningRequest),
    "evaluation": ("/v1/jobs", {"kind": "evaluation", "file": FILE}, EvaluationRequest),
    "load_diagnostic": ("/v1/jobs", {"kind": "load_diagnostic"}, LoadDiagnosticRequest),
    "model_preparation": ("/v1/jobs", {"kind": "model_preparation"}, ModelPreparationRequest),
    "dataset_report": ("/v1/jobs", {"kind": "dataset_report", "training_file": FILE}, DatasetReportRequest),
    "data report": ("/v1/datasets/reports", {"training_file": FILE}, DataReportRequest),
    "facade": ("/v1/fine_tuning/jobs", {"model": "tiny", "training_file": FILE}, CreateFineTuningJob),
}


def paths(model: Any, prefix: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The path of every field of a request, those inside others included."""
    for name, field in model.model_fields.items():
        yield (*prefix, name)
        for inner in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if hasattr(inner, "model_fields"):
                yield from paths(inner, (*prefix, name))


def placed(body: dict[str, Any], path: tuple[str, ...], value: Any) -> dict[str, Any]:
    first, *rest = path
    return {**body, first: placed({}, tuple(rest), value) if rest else value}


@pytest.mark.parametrize("request_name", REQUESTS)
def test_a_wrong_value_anywhere_is_refused_in_plain_words_and_is_no_fault_of_ours(
    api: Api, request_name: str
) -> None:
    address, body, model = REQUESTS[request_name]
    refused = 0
    for path in paths(model):
        for value in WRONG:
            answer = api.post(address, json=placed(body, path, value))
            assert answer.status_code < 500, (path, value, answer.text)
            if answer.status_code < 400:
                continue
            refused += 1
            problem: Any = answer.get_json()
            assert problem["error"]["param"], (path, value, problem)
            told = problem["error"]["message"]
            assert not any(riddle in told for riddle in RIDDLES), told
            for error in problem["errors"]:
                assert told.count(error["message"]) <= 1, told
    assert refused > 100


@pytest.mark.parametrize(
    ("body", "param", "message"),
    [
        (
            {}, "kind",
            "kind must be dataset_report, evaluation, fine_tuning, load_diagnostic, model_preparation, or "
            "training_diagnostic.",
        ),
        (
            {"kind": "merge"}, "kind",
            "kind must be dataset_report, evaluation, fine_tuning, load_diagnostic, model_preparation, or "
            'training_diagnostic. It is "merge".',
        ),
        ([], None, "The body must be an object. It is an empty list."),
        (
            {"kind": "fine_tuning"}, "training_file",
            "Give either training_file or dataset.",
        ),
        (
            {"kind": "fine_tuning", "dataset": "a", "hyperparameters": {"lora": {"target_modules": [1]}}},
            "hyperparameters.lora.target_modules.0",
            "hyperparameters.lora.target_modules.0 must be text. It is 1.",
        ),
        (
            {"kind": "fine_tuning", "dataset": "a", "hyperparameters": {"lora": {"target_modules": 5}}},
            "hyperparameters.lora.target_modules",
            "hyperparameters.lora.target_modules must be all-linear, or a list. It is 5.",
        ),
        (
            {"kind": "fine_tuning", "dataset": "a", "hyperparameters": {"epochs": 1}},
            "hyperparameters.epochs",
            "hyperparameters.epochs is an unknown field. Did you mean n_epochs?",
        ),
        (
            {"kind": "fine_tuning", "dataset": "a", "fine_tuning": {"plan": 1}}, "fine_tuning",
            "fine_tuning is an unknown field. The fields are kind, model, ",
        ),
        (
            {"kind": "fine_tuning", "dataset": "a", "plan": {"tokens_per_micro_batch": 1}},
            "plan.tokens_per_micro_batch", "plan.tokens_per_micro_batch must be at least 64. It is 1.",
        ),
        (
            {"kind": "load_diagnostic", "metadata": {"": "x"}}, "metadata.",
            'The name "" in metadata must not be empty.',
        ),
    ],
)  # fmt: skip
def test_a_refusal_names_the_field_the_value_and_what_is_allowed(
    api: Api, body: Any, param: str | None, message: str
) -> None:
    problem: Any = api.post("/v1/jobs", json=body).get_json()
    assert problem["error"]["param"] == param
    assert problem["error"]["message"].startswith(message)


def test_every_pattern_and_limit_of_the_requests_is_explained_in_words(api: Api) -> None:
    document: Any = api.client.get("/openapi.json").get_json()
    text = json.dumps(document)
    for pattern in {part.split('"')[0] for part in text.split('"pattern": "')[1:]}:
        assert json.loads(f'"{pattern}"') in PATTERN_NAMES


@pytest.mark.parametrize(
    "cursor", ["0-0", "00-000", "0-1", "999999999-999999999999", "1-0", "\u0661-\u0661", "1", "-", "1-1-1",
               "$", "+", "18446744073709551616-1", "\0", "1-999999999999999999999"],
)  # fmt: skip
def test_any_cursor_of_events_is_answered_on_both_faces(api: Api, cursor: str) -> None:
    job = api.submitted()["id"]
    native = api.get(f"/v1/jobs/{job}/events", query_string={"after": cursor})
    facade = api.get(
        f"/v1/fine_tuning/jobs/{job}/events",
        query_string={"after": f"ftevent-{job.removeprefix('ftjob-')}-{cursor}"},
    )
    assert native.status_code in (200, 422)
    assert facade.status_code in (200, 400, 422)
    assert (native.status_code == 200) == (facade.status_code == 200)
    if cursor.strip("0-") == "" and native.status_code == 200:
        assert native.get_json()["data"] == facade.get_json()["data"] == []


def test_an_event_of_another_job_is_no_cursor(api: Api) -> None:
    job = api.submitted()["id"]
    answer = api.get(f"/v1/fine_tuning/jobs/{job}/events?after=ftevent-other-1-2")
    assert (answer.status_code, answer.get_json()["error"]["param"]) == (404, "after")


def test_the_log_of_a_fault_has_the_request_id_that_the_answer_promises(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    record = api.submitted()
    api.store._redis.hset(f"tunedock:job:{record['id']}", "request", "{broken")
    answer = api.get(f"/v1/jobs/{record['id']}")
    [logged] = [entry for entry in caplog.records if entry.getMessage() == "unexpected error"]
    assert answer.status_code == 500
    assert vars(logged)["fields"]["request_id"] == answer.get_json()["request_id"]


def test_text_and_truth_values_are_no_numbers_and_numbers_no_truth_values(api: Api) -> None:
    tuning = {"kind": "fine_tuning", "training_file": api.uploaded(), "model": "tiny"}
    for body, param in (
        ({**tuning, "hyperparameters": {"n_epochs": "3"}}, "hyperparameters.n_epochs"),
        ({**tuning, "hyperparameters": {"n_epochs": True}}, "hyperparameters.n_epochs"),
        ({**tuning, "hyperparameters": {"n_epochs": 1.5}}, "hyperparameters.n_epochs"),
        ({"kind": "load_diagnostic", "cold": 0}, "cold"),
        ({"kind": "load_diagnostic", "cold": "yes"}, "cold"),
    ):
        assert api.post("/v1/jobs", json=body).get_json()["error"]["param"] == param
    whole = api.post("/v1/jobs", json={**tuning, "hyperparameters": {"n_epochs": 2.0, "learning_rate": 1}})
    assert whole.get_json()["request"]["hyperparameters"]["n_epochs"] == 2


def test_a_metadata_filter_may_have_any_key(api: Api) -> None:
    for key in ("a b", "\n", "é"):
        answer = api.get("/v1/jobs", query_string={f"metadata[{key}]": "x"})
        assert (answer.status_code, answer.get_json()["data"]) == (200, [])
    nested = api.get("/v1/jobs", query_string={"metadata[a][b]": "x"})
    assert (nested.status_code, nested.get_json()["error"]["param"]) == (422, "metadata.a][b")
    empty = api.get("/v1/jobs", query_string={"metadata[]": "x"})  # no job's metadata has such a key
    assert (empty.status_code, empty.get_json()["detail"]) == (
        422,
        'The name "" in metadata must be one character or more, without brackets.',
    )


@pytest.mark.parametrize(("wrong", "words"), [(4, "1 more field is wrong."), (6, "3 more fields are wrong.")])
def test_fields_beyond_the_first_three_are_counted_in_words(api: Api, wrong: int, words: str) -> None:
    names = {f"nosuch{number}": 1 for number in range(wrong)}
    answer = api.post("/v1/jobs", json={"kind": "load_diagnostic", "model": "tiny", **names}).get_json()
    assert answer["detail"].endswith(words)
    assert len(answer["errors"]) == wrong


def test_a_kind_of_settings_without_a_file_of_them_is_refused(api: Api) -> None:
    body = {"kind": "training_diagnostic", "model": "tiny", "training_file": api.uploaded()}
    answer = api.post("/v1/jobs", json={**body, "settings_kind": "axolotl"})
    assert (answer.status_code, answer.get_json()["error"]["param"]) == (422, "settings_kind")


def test_a_file_of_settings_of_another_tool_is_told_once_at_its_kind(api: Api) -> None:
    body = {"kind": "training_diagnostic", "model": "tiny", "training_file": api.uploaded()}
    file = "finetuning_type: lora\nstage: sft\ncutoff_len: 64\nval_size: 0.1\noverwrite_cache: true\n"
    answer = api.post("/v1/jobs", json={**body, "settings_file": file, "settings_kind": "axolotl"})
    assert [error["path"] for error in answer.get_json()["errors"]] == ["settings_kind"]
