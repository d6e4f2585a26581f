"""The OpenAPI document says what the routes do."""

import base64
import hashlib
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from services.api.desk.routes import PAGES
from services.api.job_routes import JobsQuery
from services.api.routes import ROUTES
from shared.errors import refusals
from tests.api.conftest import Api
from tests.api.test_load_page import contrast

PROJECT_ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def document(api: Api) -> dict[str, Any]:
    answer = api.client.get("/openapi.json")  # without a key
    assert answer.status_code == 200
    return dict(answer.get_json())


def parts(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in a JSON value."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from parts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from parts(inner)


def test_every_route_is_described_and_nothing_else(api: Api, document: dict[str, Any]) -> None:
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    routes = {(str(route.method), re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route.path)) for route in ROUTES}
    assert described == routes
    served = {rule.rule for rule in api.client.application.url_map.iter_rules()}
    assert served == {route.path for route in ROUTES} | {page.path for page in PAGES} | {
        "/openapi.json",
        "/docs",
    }
    operations = [operation for methods in document["paths"].values() for operation in methods.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations)


def test_the_document_has_the_version_of_the_project(document: dict[str, Any]) -> None:
    project = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert document["info"]["version"] == project["version"]


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    for part in parts(document):
        if isinstance(reference := part.get("$ref"), str):
            assert reference.removeprefix("#/components/schemas/") in document["components"]["schemas"]


def test_requests_take_no_unknown_field(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    closed = [name for name, schema in schemas.items() if schema.get("additionalProperties") is False]
    assert {
        "FineTuningRequest",
        "EvaluationRequest",
        "LoadDiagnosticRequest",
        "Lora",
        "CreateFineTuningJob",
    } <= set(closed)
    assert "auto" in json.dumps(schemas["FacadeHyperparameters"]["properties"]["n_epochs"])


def test_only_public_pages_are_described_as_such(document: dict[str, Any]) -> None:
    public = [
        path for path, methods in document["paths"].items() for it in methods.values() if it["security"] == []
    ]
    assert public == ["/healthz", "/readyz"]


def test_query_parameters_are_those_of_the_model(document: dict[str, Any]) -> None:
    parameters = document["paths"]["/v1/jobs"]["get"]["parameters"]
    assert [parameter["name"] for parameter in parameters] == list(JobsQuery.model_fields)


def test_the_docs_page_shows_everything_without_script_or_internet(
    api: Api, document: dict[str, Any]
) -> None:
    answer = api.client.get("/docs")
    assert answer.status_code == 200
    page, policy = answer.text, answer.headers["Content-Security-Policy"]
    style = page.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}';" in policy
    assert "unsafe-inline" not in policy
    assert not re.search(r"<script|\sstyle=|\son\w+=|<table", page)
    assert not re.search(r'(src|href)="(https?:)?//', page)
    for name in (
        *document["paths"],
        *document["components"]["schemas"],
        *(refusal.code for refusal in refusals()),
    ):
        assert name in page.replace("<wbr>", "")


def test_every_list_and_body_names_its_refusals_and_examples(api: Api, document: dict[str, Any]) -> None:
    assert [server["url"] for server in document["servers"]] == ["http://localhost", "/"]
    for path, methods in document["paths"].items():
        is_openais = path.startswith(("/v1/files", "/v1/fine_tuning", "/v1/models"))
        for operation in methods.values():
            answers, names = operation["responses"], {each["name"] for each in operation["parameters"]}
            assert "400" in answers
            if "limit" in names:
                assert is_openais or "422" in answers
            if "after" in names:
                assert "404" in answers
            assert not (is_openais and "422" in answers)
            for content in operation.get("requestBody", {}).get("content", {}).values():
                assert content["examples"]


def test_examples_are_accepted_or_refused_only_for_what_is_not_there(
    api: Api, document: dict[str, Any]
) -> None:
    for path, methods in document["paths"].items():
        content = methods.get("post", {}).get("requestBody", {}).get("content", {})
        for example in content.get("application/json", {}).get("examples", {}).values():
            answer = api.post(path, json=example["value"])
            code = (answer.get_json() or {}).get("code")
            assert (
                answer.status_code < 300
                or code in ("model_not_found", "dataset_not_found")
                or (code == "not_found" and "{job_id}" in path)
                or (answer.get_json()["error"]["param"] == "training_file" and code == "invalid_field")
            ), answer.text


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("localhost:8099", "http://localhost:8099"),
        ("[::1]:8080", "http://[::1]:8080"),
        ('localhost"$(id)', None),
    ],
)
def test_both_have_the_address_that_the_reader_uses(api: Api, host: str, address: str | None) -> None:
    answer = api.client.get("/openapi.json", headers={"Host": host})
    page = api.client.get("/docs", headers={"Host": host}).text
    if address is None:
        assert answer.status_code == 400
        assert "$(id)" not in page
    else:
        assert answer.get_json()["servers"][0]["url"] == address
        assert f"curl {address}/v1/jobs" in page.replace("&#34;", "").replace('"', "")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_colours_of_the_docs_page_can_be_read(api: Api, theme: str) -> None:
    style = api.client.get("/docs").text.partition("<style>")[2].partition("</style>")[0]
    blocks = re.findall(r":root \{([^}]*)\}", style)
    assert len(blocks) == 2
    colours = dict(re.findall(r"--(\w+): (#\w{6})", blocks[theme == "dark"]))
    for text, ground in (("text", "page"), ("muted", "page"), ("accent", "page"), ("text", "soft")):
        assert contrast(colours[text], colours[ground]) >= 4.5


def test_every_answer_in_json_has_an_example(document: dict[str, Any]) -> None:
    without = {
        operation["operationId"]
        for methods in document["paths"].values()
        for operation in methods.values()
        for status, answer in operation["responses"].items()
        if status.startswith("2")
        and "example" not in answer.get("content", {}).get("application/json", {"example": 1})
    }
    assert without <= {"get_report"}  # an object that each kind of job has of its own


def provoked(api: Api, method: str, path: str, operation: dict[str, Any]) -> Iterator[TestResponse]:
    """Answers to requests that are wrong in ways that no operation escapes."""
    url = re.sub(r"\{\w+\}", "ftjob-nosuch", path)
    yield api._ask(method, url, headers={"Authorization": "Bearer nosuch"})
    yield api._ask(method, url)
    yield api._ask(method, f"{url}?nosuch=1")
    if any(one["name"] == "after" for one in operation["parameters"]):
        yield api._ask(method, f"{url}?after=ftjob-nosuch")
    if "requestBody" in operation:
        yield api._ask(method, url, data=b"{", content_type="application/json")
        yield api._ask(method, url, json={"nosuch": 1})
        yield api._ask(method, url, data=b"x" * 2_000_000, content_type="application/json")


def test_every_refusal_that_an_operation_gives_is_described_with_an_example(
    api: Api, document: dict[str, Any]
) -> None:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            for answer in provoked(api, method.upper(), path, operation):
                if answer.status_code < 300:
                    continue
                code, told = answer.get_json()["code"], operation["responses"]
                assert str(answer.status_code) in told, (path, method, answer.text)
                examples = told[str(answer.status_code)]["content"][answer.mimetype]["examples"]
                assert code in examples, (path, method, code)
                assert examples[code]["value"].keys() == answer.get_json().keys()
                assert examples[code]["value"]["status"] == answer.status_code


def test_a_refusal_of_a_base_model_is_described_where_one_is_named(document: dict[str, Any]) -> None:
    for path in ("/v1/jobs", "/v1/fine_tuning/jobs"):
        told = json.dumps(document["paths"][path]["post"]["responses"])
        assert "model_unusable" in told
