"""Bad input and what it is answered: a problem in words, never a fault of ours."""

import json
from pathlib import Path
from typing import Any

import pytest

from services.api.routes import ROUTES
from shared.messages.message import say, stored
from shared.settings import Settings
from shared.worker_store import WorkerStore
from tests.api.conftest import ROWS, Api, jsonl, make_api

JSON = "application/json"
PROBLEM_MEMBERS = {"type", "title", "status", "detail", "code", "request_id", "errors", "error"}


def check_problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    """Every refusal has the same members; returns them."""
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/problem+json"
    problem: dict[str, Any] = answer.get_json()
    assert set(problem) == PROBLEM_MEMBERS
    assert (problem["status"], problem["code"]) == (status, code)
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert set(problem["error"]) == {"message", "type", "param", "code"}
    assert "Traceback" not in answer.text
    return problem


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nonsense",
        b'{"kind": "load_diagnostic", "kind": "evaluation"}',
        b'{"kind": NaN}',
        b'{"kind": "\xff"}',
        b'{"metadata": {"a": "\\ud800"}}',
        b"[" * 100_000,
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        b"1" * 5000,
        b'{"a":' * 33 + b"1" + b"}" * 33,
        b'{"a":' * 900 + b"1" + b"}" * 900,
        b'{"metadata": ' + b"[" * 500 + b"1" + b"]" * 500 + b"}",
    ],
)
@pytest.mark.parametrize("page", ["/v1/jobs", "/v1/fine_tuning/jobs", "/v1/prune"])
def test_a_body_that_is_not_json_is_malformed(api: Api, page: str, body: bytes) -> None:
    problem = check_problem(api.post(page, data=body, content_type=JSON), 400, "malformed_request")
    assert "sys." not in problem["detail"]


def test_lists_and_objects_may_lie_in_each_other_to_a_limit_and_utf8_may_be_marked(api: Api) -> None:
    deep = b'{"kind": "load_diagnostic", "x": ' + b"[" * 31 + b"1" + b"]" * 31 + b"}"
    problem = check_problem(api.post("/v1/jobs", data=deep, content_type=JSON), 422, "invalid_field")
    assert problem["error"]["param"] == "x"
    marked = b'\xef\xbb\xbf{"kind": "load_diagnostic", "model": "tiny"}'
    assert api.post("/v1/jobs", data=marked, content_type=JSON).status_code == 202


def test_no_answer_repeats_a_long_name_whole(api: Api) -> None:
    answer = api.post("/v1/jobs", json={"kind": "load_diagnostic", "x" * 100_000: 1})
    check_problem(answer, 422, "invalid_field")
    assert len(answer.data) < 2000
    answer = api.post("/v1/jobs", data=b"{}", content_type="x" * 5000)
    check_problem(answer, 400, "malformed_request")
    assert len(answer.data) < 2000


def test_a_query_parameter_has_one_name_and_one_form(api: Api) -> None:
    for query in ("metadata=1&metadata[a]=2", "metadata[a]=2&metadata=1", "limit[a]=1&limit=2"):
        problem = check_problem(api.get(f"/v1/jobs?{query}"), 422, "invalid_field")
        assert problem["error"]["param"] in ("metadata", "limit")
    for query in ("=", "=x", "limit=1&=x"):
        problem = check_problem(api.get(f"/v1/jobs?{query}"), 422, "invalid_field")
        assert "no name" in problem["detail"]


@pytest.mark.parametrize(
    ("kind", "seen"), [(1, "1"), (None, "null"), (["a"], "a list of 1 entry"), ({}, "an empty object")]
)
def test_a_kind_that_is_no_text_is_shown_as_it_was_sent(api: Api, kind: Any, seen: str) -> None:
    problem = check_problem(api.post("/v1/jobs", json={"kind": kind}), 422, "invalid_field")
    assert problem["detail"].endswith(f" It is {seen}.")


def test_a_body_of_another_type_or_encoding_is_malformed(api: Api) -> None:
    body = json.dumps({"kind": "load_diagnostic"})
    problem = check_problem(
        api.post("/v1/jobs", data=body, content_type="text/plain"), 400, "malformed_request"
    )
    assert "text/plain" in problem["detail"]
    packed = api.post("/v1/jobs", data=body, content_type=JSON, headers={"Content-Encoding": "gzip"})
    check_problem(packed, 400, "malformed_request")


def test_a_json_body_over_a_mebibyte_is_too_large(api: Api) -> None:
    body = json.dumps({"kind": "load_diagnostic", "metadata": {"a": "x" * 1024**2}})
    check_problem(api.post("/v1/jobs", data=body, content_type=JSON), 413, "too_large")


@pytest.mark.parametrize(
    ("fields", "path", "words"),
    [
        ({"colour": "red"}, "colour", "unknown field"),
        ({"hyperparameters": {"lora": {"rank": 8}}}, "hyperparameters.lora.rank", "unknown field"),
        ({"hyperparameters": {"n_epochs": 0}}, "hyperparameters.n_epochs", "It is 0"),
        ({"hyperparameters": {"lora": {"r": 10**9}}}, "hyperparameters.lora.r", "It is 1000000000"),
        ({"hyperparameters": {"learning_rate": "fast"}}, "hyperparameters.learning_rate", 'It is "fast"'),
        ({"hyperparameters": {"max_steps": -1}}, "hyperparameters.max_steps", "It is -1"),
        ({"hyperparameters": {"seed": 1e400}}, "hyperparameters.seed", ""),
        ({"suffix": "a b"}, "suffix", 'It is "a b"'),
        ({"metadata": {"a": 1}}, "metadata.a", "It is 1"),
        ({"metadata": {str(n): "x" for n in range(17)}}, "metadata", "16"),
        ({"plan": "fastest"}, "plan", 'It is "fastest"'),
        ({"format": "xml"}, "format", 'It is "xml"'),
        ({"dataset": "sms"}, "training_file", "Give only one of training_file and dataset."),
        ({"training_file": None}, "training_file", "Give either training_file or dataset."),
        ({"training_file": "../../etc/passwd"}, "training_file", "It is"),
        ({"model": "x" * 201}, "model", "200"),
    ],
)
def test_a_bad_field_is_named_with_the_value_seen(
    api: Api, fields: dict[str, Any], path: str, words: str
) -> None:
    body = {"kind": "fine_tuning", "training_file": "file-" + "a" * 24, **fields}
    text = json.dumps(body).replace("Infinity", "1e400")
    problem = check_problem(api.post("/v1/jobs", data=text, content_type=JSON), 422, "invalid_field")
    assert [error["path"] for error in problem["errors"]] == [path]
    assert words in problem["errors"][0]["message"]
    assert problem["error"]["param"] == (path or None)


@pytest.mark.parametrize("kind", [None, "model_merging", 7])
def test_a_kind_of_job_that_is_not_built_is_refused(api: Api, kind: Any) -> None:
    check_problem(api.post("/v1/jobs", json={"kind": kind}), 422, "invalid_field")


@pytest.mark.parametrize("model", ["nonsense", "../tiny", "/etc/passwd", "a/b/c", "tiny/..", "ft:tiny:x:abc"])
def test_an_unknown_model_is_answered_with_what_there_is(api: Api, model: str) -> None:
    problem = check_problem(
        api.post("/v1/jobs", json={"kind": "load_diagnostic", "model": model}), 422, "model_not_found"
    )
    assert problem["error"]["param"] == "model"


@pytest.mark.parametrize(
    ("asks_from", "named"),
    [({}, "whole"), ({"REMOTE_ADDR": "10.0.0.7"}, "short"), ({"HTTP_X_FORWARDED_FOR": "10.0.0.7"}, "short")],
)
def test_the_server_s_folders_are_named_whole_to_this_machine_alone(
    api: Api, asks_from: dict[str, str], named: str
) -> None:
    folder = api.settings.models_dir if named == "whole" else "models"
    body = {"kind": "load_diagnostic", "model": "nonsense"}
    refused = api.post("/v1/jobs", json=body, environ_base=asks_from).get_json()
    assert f"The models folder {folder} has no folder of that name" in refused["detail"]
    record = api.submitted()
    lost = say("models-folder-lacks", folder=api.settings.models_dir, model="m")
    failure = {"code": "model_not_found", "message": stored(lost), "remedy": ""}
    api.store.finish(api.claim(), "failed", message=stored(lost), error=failure)
    for page in ("", "/events"):
        text = api.get(f"/v1/jobs/{record['id']}{page}", environ_base=asks_from).text
        assert f"The models folder {folder} has no folder m." in text


def test_an_unknown_storage_is_answered_with_those_there_are(settings: Settings, store: WorkerStore) -> None:
    api = make_api(settings.model_copy(update={"storages": {"ssd": Path("/mnt/ssd")}}), store)
    body = {"kind": "model_preparation", "model": "tiny"}
    for storage in ("hdd", "/mnt/ssd", "SSD"):
        problem = check_problem(
            api.post("/v1/jobs", json={**body, "move_cache_to": storage}), 422, "invalid_field"
        )
        assert problem["error"]["param"] == "move_cache_to"
        assert "ssd and default" in problem["detail"]
    for storage in ("ssd", "default"):
        assert api.post("/v1/jobs", json={**body, "move_cache_to": storage}).status_code == 202


@pytest.mark.parametrize("dataset", ["../secret", "/etc/passwd", "a/../../b", "nothing"])
def test_a_data_set_outside_its_folder_is_refused(api: Api, dataset: str) -> None:
    answer = api.post("/v1/jobs", json={"kind": "fine_tuning", "dataset": dataset})
    assert answer.status_code == 422
    assert answer.get_json()["error"]["param"] == "dataset"
    assert str(api.settings.datasets_dir) not in answer.text


def test_a_row_without_a_label_is_named_by_its_line(api: Api) -> None:
    rows = [dict(ROWS[number % 3]) for number in range(60)]
    del rows[36]["label"]
    body = {"kind": "fine_tuning", "training_file": api.upload(jsonl(rows)).get_json()["id"]}
    problem = check_problem(api.post("/v1/jobs", json=body), 422, "invalid_training_file")
    assert [error["path"] for error in problem["errors"]] == ["line 37"]
    assert "label" in problem["errors"][0]["message"]
    assert "Line 37" in problem["error"]["message"]
    assert problem["error"]["param"] == "training_file"
    assert rows[36]["text"] not in json.dumps(problem)


def test_a_data_set_without_rows_is_refused(api: Api) -> None:
    body = {"kind": "fine_tuning", "training_file": api.upload(b"\n\n").get_json()["id"]}
    check_problem(api.post("/v1/jobs", json=body), 422, "invalid_training_file")


@pytest.mark.parametrize("key", ["", "x" * 256, "ключ"])
def test_an_idempotency_key_that_can_not_be_one_is_refused(api: Api, key: str) -> None:
    headers = {"Idempotency-Key": key.encode().decode("latin-1")}
    answer = api.post("/v1/jobs", json={"kind": "load_diagnostic"}, headers=headers)
    assert check_problem(answer, 422, "invalid_field")["error"]["param"] == "Idempotency-Key"


def test_unknown_pages_and_methods_are_problems_too(api: Api) -> None:
    for path in (
        "/nowhere",
        "/v1",
        "/v2/jobs",
        "/v1/jobs/",
        "/v1/jobs/x/../..",
        "/metrics",
        "/v1/files/x/y/z",
    ):
        check_problem(api.get(path), 404, "not_found")
    answer = api.delete("/v1/jobs")
    check_problem(answer, 405, "method_not_allowed")
    assert {"GET", "POST"} <= set(answer.headers["Allow"].split(", "))


def test_every_route_but_the_public_ones_wants_a_known_key(api: Api) -> None:
    for route in ROUTES:
        path = (
            route.path.replace("<job_id>", "ftjob-x")
            .replace("<file_id>", "file-x")
            .replace("<path:model_id>", "m")
        )
        for headers in (
            {},
            {"Authorization": "Bearer wrong"},
            {"Authorization": api.key},
            {"Authorization": "Bearer "},
        ):
            answer = api.client.open(path, method=route.method, headers=headers)
            if route.is_public:
                assert answer.status_code in (200, 503)
                continue
            check_problem(answer, 401, "invalid_api_key")
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_mistyped_key_is_said_to_look_mistyped(api: Api) -> None:
    typo = api.key[:-1] + ("a" if api.key[-1] != "a" else "b")
    answer = api.client.get("/v1/jobs", headers={"Authorization": f"Bearer {typo}"})
    assert "a typing error" in answer.get_json()["detail"]
    other = api.client.get("/v1/jobs", headers={"Authorization": "Bearer some-key-of-another-service"})
    assert "a typing error" not in other.get_json()["detail"]


def test_a_page_of_another_name_reads_nothing_through_the_browser(api: Api) -> None:
    for host in ("evil.example", "evil.example:8080", "127.0.0.1.evil.example"):
        check_problem(api.get("/v1/jobs", headers={"Host": host}), 400, "malformed_request")
    for host in ("localhost:8080", "127.0.0.1:8080", "[::1]:8080"):
        assert api.get("/v1/jobs", headers={"Host": host}).status_code == 200


def test_a_store_that_is_away_is_said_with_503_and_nothing_is_accepted(settings: Settings) -> None:
    away = make_api(settings, WorkerStore.connect("redis://127.0.0.1:1/0"))
    file_id = away.uploaded()  # files need no store
    for answer in (
        away.post("/v1/jobs", json={"kind": "fine_tuning", "training_file": file_id}),
        away.get("/v1/jobs"),
        away.get("/v1/fine_tuning/jobs"),
    ):
        problem = check_problem(answer, 503, "store_unavailable")
        assert answer.headers["Retry-After"]
        assert "redis://" not in json.dumps(problem)
    assert not (settings.data_dir / "jobs").exists()


def test_a_fault_of_ours_shows_nothing_of_the_inside(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    record = api.submitted()
    api.store._redis.hset(f"tunedock:job:{record['id']}", "request", "{broken")
    problem = check_problem(api.get(f"/v1/jobs/{record['id']}"), 500, "internal_error")
    assert "broken" not in json.dumps(problem)


@pytest.mark.parametrize("revision", ["../../etc", "/etc", "a/../b"])
def test_a_revision_that_leaves_its_folder_is_refused(api: Api, revision: str) -> None:
    body = {"kind": "load_diagnostic", "model": "a/b", "revision": revision}
    check_problem(api.post("/v1/jobs", json=body), 422, "invalid_field")


def test_a_completion_that_text_rows_do_not_have_is_refused_before_anything_is_queued(api: Api) -> None:
    file_id = api.upload(jsonl([{"text": "only text"}])).get_json()["id"]
    body = {
        "kind": "fine_tuning",
        "training_file": file_id,
        "hyperparameters": {"loss_on": "completion"},
    }
    problem = check_problem(api.post("/v1/jobs", json=body), 422, "invalid_field")
    assert problem["error"]["param"] == "hyperparameters.loss_on"
    assert api.get("/v1/jobs").get_json()["data"] == []


def test_only_rows_of_text_can_be_split_and_that_is_said_before_anything_is_queued(api: Api) -> None:
    body = {"kind": "fine_tuning", "training_file": api.uploaded(), "long_text": "split"}
    problem = check_problem(api.post("/v1/jobs", json=body), 422, "invalid_field")
    assert problem["error"]["param"] == "long_text"
    file_id = api.upload(jsonl([{"text": "only text"}])).get_json()["id"]
    answer = api.post("/v1/jobs", json={**body, "training_file": file_id})
    assert answer.get_json()["request"]["long_text"] == "split"


def test_bad_input_is_400_where_openais_clients_ask_and_422_on_the_native_pages(api: Api) -> None:
    job = api.submitted()["id"]
    bad_form = {"data": b"--bound--\r\n", "content_type": "multipart/form-data; boundary=bound"}
    for answer in (
        api.post("/v1/fine_tuning/jobs", json={"model": "tiny"}),
        api.post("/v1/fine_tuning/jobs", json={"model": "nonsense", "training_file": "file-" + "a" * 24}),
        api.get("/v1/fine_tuning/jobs?limit=0"),
        api.get(f"/v1/fine_tuning/jobs/{job}/events?limit=x"),
        api.get(f"/v1/fine_tuning/jobs/{job}/checkpoints?limit=-1"),
        api.get("/v1/files?order=sideways"),
        api.get("/v1/models?limit=1"),
        api.post("/v1/files", **bad_form),
    ):
        problem = answer.get_json()
        assert (answer.status_code, problem["status"]) == (400, 400), answer.text
        assert problem["error"]["type"] == "invalid_request_error"
    for answer in (
        api.post("/v1/jobs", json={"kind": "fine_tuning"}),
        api.get("/v1/jobs?limit=0"),
        api.get(f"/v1/jobs/{job}/events?limit=x"),
    ):
        check_problem(answer, 422, "invalid_field")
